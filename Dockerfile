# The build: all of it stays behind but the binary.
FROM debian:bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev make pkg-config libmicrohttpd-dev libgnutls28-dev \
        libpq-dev libjansson-dev libcurl4-openssl-dev uuid-dev libxml2-dev libssl-dev zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /almanac
COPY Makefile ./
COPY include include
COPY sql sql
COPY src src
RUN make build

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libmicrohttpd12 libgnutls30 libpq5 libjansson4 libcurl4 libuuid1 \
        libxml2 libssl3 zlib1g ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/almanac --create-home almanac \
 && install -d -o almanac -g almanac /var/lib/almanac/reports
COPY --from=build /almanac/build/almanac /usr/local/bin/almanac
USER almanac
WORKDIR /var/lib/almanac
# Beyond loopback the daemon wants to be told that everybody may do everything: ALLOW_ANONYMOUS=1 is
# left to whoever runs the image and knows who can reach it.
ENV HTTP_ADDRESS=0.0.0.0 HTTP_PORT=8000
EXPOSE 8000
# Whether the process is well, not its database: what fails here is restarted.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["sh", "-c", "exec curl -fsS -o /dev/null http://127.0.0.1:${HTTP_PORT}/livez"]
CMD ["almanac"]
