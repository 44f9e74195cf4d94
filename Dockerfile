# trenchcoat as a sidecar: Node, the libraries it links, CA certificates and the program, and nothing else: no shell,
# no npm, no package manager.

# Where Node and its libraries come from: a Debian with node, npm, strip and CA certificates. Node 26 is the Active LTS.
ARG BASE=docker.io/library/node:26-bookworm

FROM ${BASE} AS build
LABEL trenchcoat.stage=build

RUN set -eu; mkdir -p /state /image; cd /image; \
    mkdir -p usr/local/bin etc/ssl/certs etc/trenchcoat tmp; \
    chmod 1777 tmp; \
    node=$(readlink -f "$(command -v node)"); \
    strip -o usr/local/bin/node "$node"; \
    for library in $(ldd "$node" | grep -o '/[^ ]*'); do cp -L --parents "$library" .; done; \
    cp -L /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/; \
    echo 'trenchcoat:x:65532:65532::/nonexistent:/nonexistent' > etc/passwd; \
    echo 'trenchcoat:x:65532:' > etc/group; \
    echo 'hosts: files dns' > etc/nsswitch.conf; \
    # A command of its own, so that `exec` needs neither a shell nor env.
    ln -s /app/dist/bin/trenchcoat.js usr/local/bin/trenchcoat

COPY package.json package-lock.json /image/app/
RUN cd /image/app && npm ci --omit=dev --ignore-scripts --prefer-offline --no-audit --no-fund

WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --prefer-offline --no-audit --no-fund

COPY . .
# What npm would publish is what the program needs.
RUN npm run build \
 && npm pack --ignore-scripts --silent --pack-destination /tmp \
 && tar -xzf /tmp/trenchcoat-*.tgz -C /image/app --strip-components=1 \
 && sed -i '1s|.*|#!/usr/local/bin/node|' /image/app/dist/bin/trenchcoat.js \
 && chmod 755 /image/app/dist/bin/trenchcoat.js

FROM scratch
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /state /var/lib/trenchcoat
ARG VERSION=0.0.0
LABEL org.opencontainers.image.title="trenchcoat" \
      org.opencontainers.image.description="A reverse proxy that decides, for each request, which version of an API serves it" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
ENV PATH=/usr/local/bin \
    NODE_ENV=production \
    TRENCHCOAT_CONFIG=/etc/trenchcoat/trenchcoat.yaml
USER 65532:65532
WORKDIR /etc/trenchcoat
# For `state: file:/var/lib/trenchcoat/state.json`; everything else may be read-only.
VOLUME /var/lib/trenchcoat
EXPOSE 8080
# By address: a probe that read the configuration would take an edit with a mistake in it for a proxy in trouble.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["/usr/local/bin/trenchcoat", "probe", "ready", "--admin", "http://127.0.0.1:9901"]
# By itself, Node would let the heap grow to all the memory that the container may have.
ENTRYPOINT ["/usr/local/bin/node", "--max-old-space-size-percentage=50", "/app/dist/bin/trenchcoat.js"]
CMD ["run"]
