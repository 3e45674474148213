import type { Server as TlsServer } from "node:tls";
import type { Logger } from "pino";
import { parseAddress } from "../protocol/address";
import type { Clock } from "../protocol/clock";
import { controllerCodec } from "../protocol/codec";
import { listenSocket, type ChannelListener } from "../protocol/socket-listener";
import type { ControllerParts } from "./assemble";
import type { ControllerConfig } from "./controller-config";
import { listenApi } from "./listen-api";
import { startRegionServices } from "./region-services";

export interface ListenDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** What /openapi.json is told. */
  readonly version: string;
}

/** The ports of a controller, which show its certificate as it is at the time. */
export interface Listening {
  close(): Promise<void>;
}

/**
 * Opens a controller's ports: HTTP API, allocation and ping services, and the one that agents dial.
 * @throws {Error} where one is taken or a certificate is none; all are closed then
 */
export async function listen(config: ControllerConfig, parts: ControllerParts, deps: ListenDeps): Promise<Listening> {
  const { controller, certificate, forge, tokens } = parts;
  const { clock, log } = deps;
  const open: { close(): Promise<unknown> }[] = [];
  const close = async (): Promise<void> => {
    for (const each of open) await each.close();
  };
  try {
    // Its port first: nothing is spawned by a controller that nobody can reach.
    const api = await listenApi(config, parts, deps);
    open.unshift(api);
    open.unshift(await startRegionServices(config, forge, { controller, tokens, clock, log }));
    const agents = await listenAgents(config, parts, deps);
    if (agents !== undefined) open.push(agents);
    certificate?.subscribe((next) => {
      // A server of Fastify's that speaks TLS is one of node:tls.
      (api.server as unknown as TlsServer).setSecureContext(next);
      agents?.renew(next);
    });
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listenAgents(
  { agentListen }: ControllerConfig,
  { secrets, certificate, links }: ControllerParts,
  { clock, log }: ListenDeps,
): Promise<ChannelListener | undefined> {
  if (agentListen === undefined) return undefined;
  const options = {
    codec: controllerCodec,
    secret: () => secrets.now.shared,
    clock,
    onRefused: (reason: string) =>
      log.warn(
        { reason },
        "a connection was refused, or came to nothing: no agent of this run, or one that gave up waiting",
      ),
    ...(certificate === undefined ? {} : { tls: certificate.now }),
  };
  return listenSocket(parseAddress(agentListen), options, (channel) => links.accept(channel));
}
