# syntax=docker/dockerfile:1

# JavaScript is the same on every architecture: it is built once, where the build runs.
FROM --platform=$BUILDPLATFORM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
COPY packages/cdevents-sdk/package.json packages/cdevents-sdk/
COPY packages/flux-cdevents/package.json packages/flux-cdevents/
RUN npm ci
COPY LICENSE tsconfig.base.json ./
COPY scripts scripts
COPY deploy/base deploy/base
COPY deploy/components deploy/components
COPY packages packages
RUN npm run build

# What is needed at run time and nothing else, as the lock file says; none of it is compiled.
FROM --platform=$BUILDPLATFORM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/cdevents-sdk/package.json packages/cdevents-sdk/
COPY packages/flux-cdevents/package.json packages/flux-cdevents/
RUN npm ci --omit=dev --ignore-scripts
# The published packages, in the place of those of the working copy that node_modules links to.
COPY --from=build /src/packages/cdevents-sdk/dist packages/cdevents-sdk
COPY --from=build /src/packages/flux-cdevents/dist packages/flux-cdevents

FROM gcr.io/distroless/nodejs24-debian13:nonroot
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="flux-cdevents" \
      org.opencontainers.image.description="The CDEvents Provider for Flux" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/flux-cdevents/flux-cdevents" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production
WORKDIR /app
# package.json and package-lock.json come along: scanners read from them what is inside.
COPY --from=dependencies /app /app
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 9090 8080 9440
ENTRYPOINT ["/nodejs/bin/node", "/app/packages/flux-cdevents/bin/flux-cdevents.js"]
CMD ["--help"]
