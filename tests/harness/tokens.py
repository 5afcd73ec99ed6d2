"""Bearer tokens: their entries in API_TOKENS, and who holds them."""

import hashlib

SCOPES = ("read", "write", "admin")


def entry(name, scope, token):
    return f"{name}:{scope}:{hashlib.sha256(token.encode()).hexdigest()}"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


TOKENS = {scope: f"almanac_token-good-for-{scope}" for scope in SCOPES}
API_TOKENS = ",".join(entry(f"may-{scope}", scope, token) for scope, token in TOKENS.items())
