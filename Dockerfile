# The service and nothing else. Built by `make image`; docs/pinning.md says how to pin the base by digest.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY service/package.json service/
COPY local/package.json local/
COPY k8s/package.json k8s/
COPY infra/package.json infra/
RUN npm ci --workspace service
COPY service service
RUN node service/build.mjs /app && node service/warm-cache.mjs /app

FROM ${NODE_IMAGE} AS base
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
           /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* /usr/local/include && \
    # Folders that remember when that was would make another layer in each build.
    touch --date=@0 /usr/local /usr/local/bin /usr/local/lib /opt

# From nothing, as what a layer removes would still be loaded and pulled: a third of the base.
FROM scratch
COPY --from=base / /
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="slipway" \
      org.opencontainers.image.description="Stateless web service: sessions, files, API keys and load" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache
USER 10001:10001
EXPOSE 3000 9090
ENTRYPOINT ["node", "/app/main.js"]
# Last, so that all above comes from the cache when the service alone has changed.
COPY --from=build /app /app
