# The build: all of it stays behind but the binary. What it needs is written down once, for `make` too.
FROM debian:bookworm-slim AS build
WORKDIR /almanac
COPY .make/install .make/
RUN .make/install build documents && rm -rf /var/lib/apt/lists/*
COPY Makefile ./
COPY include include
COPY sql sql
COPY src src
RUN make build

# The libraries, certificates for https, time zones for calendars.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libmicrohttpd12 libgnutls30 libpq5 libjansson4 libcurl4 libuuid1 \
        libxml2 libssl3 zlib1g ca-certificates tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/almanac --create-home almanac \
 && install -d -o almanac -g almanac /var/lib/almanac/reports /var/lib/almanac/spool
COPY --from=build /almanac/build/almanac /usr/local/bin/almanac
USER almanac
WORKDIR /var/lib/almanac
# All that is written, so that the rest may be read-only.
VOLUME ["/var/lib/almanac/reports", "/var/lib/almanac/spool"]
# Beyond loopback the daemon wants tokens, or to be told that everybody may do everything: API_TOKENS and
# ALLOW_ANONYMOUS=1 are left to whoever runs the image and knows who can reach it.
ENV HTTP_ADDRESS=0.0.0.0 HTTP_PORT=8000 SPOOL_DIR=/var/lib/almanac/spool
EXPOSE 8000
# Whether the process is well, not its database: what fails here is restarted.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["almanac", "healthcheck"]
ENTRYPOINT ["almanac"]
