# The service, its console and its commands. The bases are pinned by major version and Debian release, without build arguments:
# Renovate can't change a tag that is put together from parts.

# Build: every dependency as the lock file has it, then one bundle that needs none of them.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/twirp/package.json packages/twirp/
COPY packages/cors/package.json packages/cors/
COPY packages/client/package.json packages/client/
RUN npm ci
COPY . .
# For a bill of materials that is the same each time, give the time of the commit.
ARG SOURCE_DATE_EPOCH
RUN npm run build
RUN npm run build:image
RUN npm run sbom
# A checkout may be unreadable for others.
RUN chmod -R a+rX image dist/web migrations deploy/image package.json sbom.cdx.json THIRD-PARTY-NOTICES.txt LICENSE

# Run: Node, the bundle, the pages and the migrations. No npm, no compiler, no embedded database.
FROM debian:bookworm-slim
COPY --from=build /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=build /app/image dist
COPY --from=build /app/dist/web dist/web
COPY --from=build /app/migrations migrations
COPY --from=build /app/package.json /app/sbom.cdx.json /app/LICENSE /app/THIRD-PARTY-NOTICES.txt ./
COPY --from=build /app/deploy/image/start.sh /app/deploy/image/healthy.sh ./
# A new volume there belongs to this user: dist/cli/haproxy.js writes into it.
RUN install -d -o 10001 -g 10001 /policy
ARG REVISION
LABEL org.opencontainers.image.title="Finance service" \
  org.opencontainers.image.revision="$REVISION" \
  org.opencontainers.image.description="Double-entry ledger with a Twirp API, on PostgreSQL" \
  org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production HOST=0.0.0.0
USER 10001:10001
EXPOSE 9707
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["bash", "-c", "./healthy.sh ${PORT:-9707} /healthz 2>/dev/null"]
ENTRYPOINT ["/app/start.sh"]
CMD ["node", "dist/main.js"]
