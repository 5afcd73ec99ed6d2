"""https: the certificate, its renewal, old protocols, and files that cannot be used."""

import contextlib
import http.client
import socket
import ssl
import subprocess
import threading

import pytest

from harness import almanac as daemons
from harness.certificates import make_certificate
from harness.processes import wait_until
from harness.tokens import API_TOKENS, TOKENS


@pytest.fixture(name="files", scope="module")
def fixture_files(tmp_path_factory):
    """Two certificates: what the daemon begins with, and what it is given later."""
    folder = tmp_path_factory.mktemp("certificates")
    return {name: make_certificate(folder, name) for name in ("first", "second")}


@pytest.fixture(name="almanac", scope="module")
def fixture_almanac(start_module_almanac, files):
    certificate, key = files["first"]
    return start_module_almanac(TLS_CERT_FILE=certificate, TLS_KEY_FILE=key)


def context_for(certificate, **versions):
    context = ssl.create_default_context(cafile=certificate)
    for name, version in versions.items():
        setattr(context, name, version)
    return context


@contextlib.contextmanager
def connected(almanac, context, session=None):
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1",
                                 session=session) as connection:
            yield connection


def ask(connection, path="/status", rest=""):
    """The status of the whole answer."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n{rest}\r\n".encode())
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


# --- requests -------------------------------------------------------------------------------------


def test_requests_go_as_they_do_without_tls(almanac):
    assert almanac.url().startswith("https://")
    assert almanac.get("/status").text.startswith("ok")
    made = almanac.post("/api/v1/timers", json={"url": "http://127.0.0.1:9/", "delay": 3600})
    assert made.status_code == 201
    found = almanac.get(made.headers["Location"])
    assert found.json()["id"] == made.json()["id"]
    assert almanac.get("/api/v1/health/check").status_code == 200


def test_the_guide_leads_to_https(almanac):
    guide = almanac.get("/").text
    assert f"curl 'https://127.0.0.1:{almanac.port}/api/v1/health/check'" in guide
    assert "'http://127.0.0.1" not in guide


def test_large_bodies_come_and_go_whole(almanac):
    timers = [{"url": "http://127.0.0.1:9/", "delay": 3600, "payload": "x" * 500}] * 1000
    made = almanac.post("/api/v1/timers/batch", json=timers)
    assert made.status_code < 300, made.text[:500]
    listed = almanac.get("/api/v1/timers?limit=500").json()
    assert len(listed["data"]) > 50


def test_pipelined_requests_are_answered_in_their_order(almanac, files):
    ids = [f"piped-{number}" for number in range(20)]
    asked = "".join(f"GET /api/v1/timers?limit=1 HTTP/1.1\r\nHost: a\r\nX-Request-Id: {name}\r\n\r\n"
                    for name in ids)
    with connected(almanac, context_for(files["first"][0])) as connection:
        connection.sendall(asked.encode())
        text = b""
        while text.count(b"X-Request-Id: ") < len(ids):
            part = connection.recv(65536)
            assert part, text[-300:]
            text += part
    told = [line.split(b": ")[1].decode() for line in text.split(b"\r\n")
            if line.startswith(b"X-Request-Id: ")]
    assert told == ids


def test_many_connections_at_once(almanac, files):
    context = context_for(files["first"][0])
    answers = []

    def visit():
        with connected(almanac, context) as connection:
            for _ in range(5):
                answers.append(ask(connection, "/api/v1/health/check"))

    threads = [threading.Thread(target=visit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [200] * 100


def test_malformed_requests_are_refused_here_too(almanac, files):
    with connected(almanac, context_for(files["first"][0])) as connection:
        assert ask(connection, rest="Host: b\r\n") == 400


def test_the_demo_feed_and_the_health_check_find_their_way(start_almanac, files):
    certificate, key = files["first"]
    settings = {"TLS_CERT_FILE": certificate, "TLS_KEY_FILE": key, "API_TOKENS": API_TOKENS}
    almanac = start_almanac(DEMO_PROVIDER=1, token=TOKENS["read"], **settings)
    wait_until(lambda: almanac.get("/api/v1/events?limit=1").json()["data"], 10, "the demo's events")
    done = daemons.run("healthcheck", "--ready", HTTP_PORT=almanac.port, **settings)
    assert done.returncode == 0, done.stderr


# --- protocols ------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_protocols_of_today_are_spoken(version, almanac, files):
    context = context_for(files["first"][0], minimum_version=version, maximum_version=version)
    with connected(almanac, context) as connection:
        assert connection.version() == version.name.replace("_", ".")
        assert ask(connection) == 200


def test_a_client_that_comes_back_need_not_begin_anew(almanac, files):
    """All workers take the tickets of any."""
    context = context_for(files["first"][0])
    with connected(almanac, context) as connection:
        assert ask(connection) == 200
        session = connection.session
    for _ in range(6):
        with connected(almanac, context, session) as connection:
            assert connection.session_reused
            assert ask(connection) == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_protocols_of_yesterday_are_not(almanac, files):
    context = context_for(files["first"][0], minimum_version=ssl.TLSVersion.TLSv1,
                          maximum_version=ssl.TLSVersion.TLSv1_1)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        with connected(almanac, context):
            pass


@pytest.mark.parametrize("bytes_sent", [
    b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", b"\x00" * 300])
def test_what_is_no_tls_is_closed_and_harms_nobody(bytes_sent, almanac):
    with socket.create_connection(("127.0.0.1", almanac.port), 5) as plain:
        plain.sendall(bytes_sent)
        with contextlib.suppress(ConnectionResetError):
            while answer := plain.recv(1000):
                assert b"HTTP/1.1 200" not in answer
    assert almanac.get("/status").status_code == 200


def test_who_never_finishes_the_handshake_is_sent_away(start_almanac, files):
    certificate, key = files["first"]
    almanac = start_almanac(TLS_CERT_FILE=certificate, TLS_KEY_FILE=key,
                            HTTP_REQUEST_TIMEOUT_SECONDS=1)
    with socket.create_connection(("127.0.0.1", almanac.port), 10) as plain:
        plain.sendall(b"\x16\x03\x01\x02\x00")
        assert plain.recv(100) == b""


# --- renewal --------------------------------------------------------------------------------------


@pytest.fixture(name="renewable")
def fixture_renewable(start_almanac, files, tmp_path):
    """A daemon whose files may be replaced."""
    install(files["first"], tmp_path)
    return start_almanac(TLS_CERT_FILE=tmp_path / "crt", TLS_KEY_FILE=tmp_path / "key")


def install(pair, folder):
    for path, name in zip(pair, ("crt", "key")):
        (folder / name).write_bytes(path.read_bytes())


def shows(almanac, certificate):
    try:
        with connected(almanac, context_for(certificate)) as connection:
            return ask(connection) == 200
    except ssl.SSLCertVerificationError:
        return False


def test_a_renewed_certificate_is_shown_and_nobody_is_cut_off(renewable, files, tmp_path):
    with connected(renewable, context_for(files["first"][0])) as old:
        assert ask(old) == 200
        install(files["second"], tmp_path)
        assert shows(renewable, files["first"][0])
        assert renewable.reload()["what"] == "settings reloaded"
        # Every worker has a socket of its own, which a connection finds by chance.
        assert [shows(renewable, files["second"][0]) for _ in range(10)] == [True] * 10
        assert not shows(renewable, files["first"][0])
        assert ask(old) == 200


def test_files_that_cannot_be_used_change_nothing(renewable, files, tmp_path):
    renewable.expect_errors("settings not reloaded")
    (tmp_path / "key").write_bytes(files["second"][1].read_bytes())
    line = renewable.reload()
    assert line["what"] == "settings not reloaded" and "TLS_KEY_FILE=" in line["reason"]
    (tmp_path / "crt").unlink()
    assert "TLS_CERT_FILE=" in renewable.reload()["reason"]
    assert shows(renewable, files["first"][0])


# --- wrong files ----------------------------------------------------------------------------------


def wrong_pairs(files, folder):
    certificate, key = files["first"]
    (folder / "empty").write_text("")
    (folder / "nonsense").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    subprocess.run(["openssl", "pkcs8", "-topk8", "-in", key, "-out", folder / "locked",
                    "-passout", "pass:hunter2"], check=True, capture_output=True)
    return {
        "no certificate file": (folder / "none", key, "TLS_CERT_FILE={}: No such file"),
        "no key file": (certificate, folder / "none", "TLS_KEY_FILE={}: No such file"),
        "a folder": (folder, key, "TLS_CERT_FILE={}: cannot be read"),
        "an empty certificate": (folder / "empty", key, "TLS_CERT_FILE={}: holds no certificate"),
        "nonsense": (folder / "nonsense", key, "TLS_CERT_FILE={}: holds no certificate"),
        "an empty key": (certificate, folder / "empty", "TLS_KEY_FILE={}: holds no private key"),
        "another's key": (certificate, files["second"][1], "TLS_KEY_FILE={}: is not the key of"),
        "a locked key": (certificate, folder / "locked", "TLS_KEY_FILE={}: is encrypted"),
        "the two exchanged": (key, certificate, "TLS_CERT_FILE={}: holds no certificate"),
        "no key at all": (certificate, "", "TLS_KEY_FILE: must be set when TLS_CERT_FILE is"),
        "no certificate at all": ("", key, "TLS_CERT_FILE: must be set when TLS_KEY_FILE is"),
    }


def test_files_that_cannot_be_used_stop_the_start(files, tmp_path):
    for name, (certificate, key, said) in wrong_pairs(files, tmp_path).items():
        done = daemons.run("check", TLS_CERT_FILE=certificate, TLS_KEY_FILE=key)
        assert done.returncode == 2, name
        blamed = certificate if "CERT_FILE={" in said else key
        assert done.stderr.startswith("almanac: " + said.format(blamed)), (name, done.stderr)
        assert done.stderr.count("\n") == 1 and "PRIVATE" not in done.stderr


def test_tls_begins_with_a_restart_only(start_almanac, files):
    almanac = start_almanac()
    almanac.expect_errors("settings not reloaded")
    certificate, key = files["first"]
    (almanac.directory / ".env").write_text(f"TLS_CERT_FILE={certificate}\nTLS_KEY_FILE={key}\n")
    assert "restart" in almanac.reload()["reason"]
    assert almanac.get("/status").status_code == 200
