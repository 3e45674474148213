import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { showAuthority } from "../clients/authority";
import type { LiveCertificate } from "../clients/live-certificate";
import type { LiveSecrets } from "../clients/run-secrets";
import { controllerQuery, controllerService } from "../config/region-names";
import type { Clock } from "../protocol/clock";
import { buildApi } from "./api/api";
import type { Origins } from "./api/origins";
import type { Controller } from "./controller";
import type { ControllerConfig } from "./controller-config";
import type { Shift } from "./shift/shift";
import type { Tokens } from "./tokens";

/** Whom callers speak with, and what tells each side who the other is. */
export interface ApiParts {
  readonly controller: Controller;
  readonly shift: Shift;
  readonly tokens: Tokens;
  readonly secrets: LiveSecrets;
  readonly certificate: LiveCertificate | undefined;
  /** Whose pages may call, as forge.toml says at the time. */
  readonly origins: Origins;
}

export interface ListenApiDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** What /openapi.json is told. */
  readonly version: string;
}

/**
 * Opens a controller's HTTP API.
 * @throws {Error} where its port is taken
 */
export async function listenApi(
  config: ControllerConfig,
  { controller, shift, tokens, secrets, certificate, origins }: ApiParts,
  { clock, version, log }: ListenApiDeps,
): Promise<FastifyInstance> {
  const api = buildApi({
    backend: controller,
    shift,
    tokens,
    clock,
    options: {
      ticketSecret: () => secrets.now.ticket,
      version,
      processMetrics: true,
      logger: log,
      hosts: hostNames(config),
      origins,
      sharedSecret: () => secrets.now.shared,
      ...(certificate === undefined
        ? {}
        : { tls: certificate.now, authority: () => showAuthority(certificate.now.ca, secrets.now.shared[0]) }),
      ...(config.dashboardDir === undefined ? {} : { dashboardDir: config.dashboardDir }),
    },
  });
  const { host, port } = config.api;
  try {
    await api.listen({ host, port });
  } catch (error) {
    await api.close();
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Error(
      `port ${port} for region ${config.region} is taken by another program: stop that, or choose other ports with --port`,
      { cause: error },
    );
  }
  log.info({ host, port }, "listening");
  return api;
}

/** By which names, beside plain addresses, it may be called: its own, and those that Consul's DNS has for it. */
function hostNames({ region, publicUrl, consul }: ControllerConfig): readonly string[] {
  const own = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  if (consul === undefined) return own;
  const service = controllerService(region);
  const tagged = ["leader", "standby"].map((tag) => `${tag}.${service}.service.consul`);
  return [...own, `${service}.service.consul`, ...tagged, `${controllerQuery(region)}.query.consul`];
}
