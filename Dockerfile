# Forge's programs in one image. It runs the controller unless told otherwise:
#   docker run -v ./controller.json:/etc/forge/config.json:ro IMAGE
#   docker run … IMAGE agent.js /etc/forge/config.json
# What it was checked with is in docs/bundles.md.

FROM node:20.20.2-bookworm-slim AS build
WORKDIR /forge
COPY package.json package-lock.json .npmrc ./
COPY sdk/package.json sdk/
RUN npm ci
COPY . .
RUN npm run build

FROM gcr.io/distroless/nodejs20-debian12:nonroot
WORKDIR /opt/forge
COPY --from=build /forge/dist/bundles.json /forge/dist/controller.js /forge/dist/agent.js /forge/dist/gate.js ./
COPY --from=build /forge/dist/dashboard dashboard/
COPY --from=build /forge/dist/games games/
COPY LICENSE ./
# Its user "nonroot", by number so that orchestrators can tell it is not root.
USER 65532
# Node is the entry point of the base image.
CMD ["controller.js", "/etc/forge/config.json"]
