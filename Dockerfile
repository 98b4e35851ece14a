# syntax=docker/dockerfile:1

# JavaScript is the same on every architecture, so it is built once, on the architecture of the builder.
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

# The dependencies at run time, as locked. None of them is compiled.
FROM --platform=$BUILDPLATFORM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/cdevents-sdk/package.json packages/cdevents-sdk/
COPY packages/flux-cdevents/package.json packages/flux-cdevents/
RUN npm ci --omit=dev --ignore-scripts
# The published packages, in the places that the links in node_modules point to.
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
# Scanners read package.json and package-lock.json to find out what is inside.
COPY --from=dependencies /app /app
# A number, so that Kubernetes can check that it is not root.
USER 65532:65532
EXPOSE 9090 8080 9440
ENTRYPOINT ["/nodejs/bin/node", "/app/packages/flux-cdevents/bin/flux-cdevents.js"]
CMD ["--help"]
