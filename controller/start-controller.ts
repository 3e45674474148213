import { randomFillSync } from "node:crypto";
import { join } from "node:path";
import type { Server as TlsServer } from "node:tls";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { openCertificate } from "../clients/live-certificate";
import { openSecrets } from "../clients/run-secrets";
import { fleetsKey, shiftKey } from "../config/region-names";
import { formatAddress, parseAddress } from "../protocol/address";
import type { Clock } from "../protocol/clock";
import { controllerCodec } from "../protocol/codec";
import { listenSocket, type ChannelListener } from "../protocol/socket-listener";
import { joinConsul } from "./adapters/consul/join-consul";
import { SoleLeadership } from "./adapters/embedded/sole-leadership";
import { AgentLinks, type AgentChannel } from "./agent-links";
import { Origins } from "./api/origins";
import { connectEngine } from "./connect-engine";
import { Controller } from "./controller";
import type { ControllerConfig } from "./controller-config";
import { Core } from "./core/core";
import { coreSettings } from "./core-settings";
import { DecisionLog } from "./decision-log";
import { FileDocument, type SharedDocument } from "./document";
import type { Engine } from "./engine";
import { EventCounts } from "./event-counts";
import { EventLog } from "./event-log";
import { idSource } from "./id-source";
import type { KeptFleets } from "./fleet-keeper";
import { folderOf, followForge, readForge } from "./forge-file";
import { listenApi } from "./listen-api";
import { ownToken } from "./own-token";
import { RegionPeers } from "./region-peers";
import { startRegionServices, type RegionServices } from "./region-services";
import { ScalingWebhook } from "./scaling-webhook";
import { AgonesAllocator } from "./shift/agones-allocator";
import { prometheusValue } from "./shift/prometheus-value";
import { Shift } from "./shift/shift";
import { Tokens } from "./tokens";
import { readWebhooks, Webhooks } from "./webhooks";

export interface StartControllerDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What /openapi.json and agents are told. */
  readonly version: string;
  /** Another engine than the one that the configuration names: a double, to measure all but the servers themselves. */
  readonly connectEngine?: () => Promise<Engine>;
}

export interface RunningController {
  readonly controller: Controller;
  /** Takes an agent of the same process on. */
  acceptAgent(channel: AgentChannel): void;
  /** Resolves when it holds no socket and no timer any more; servers and agents go on. */
  close(): Promise<void>;
}

/**
 * The one place where a region's controller is put together: core, engine, agents, HTTP API, events, live config.
 * @throws {Error} where its port is taken, root is not there, or forge.toml is wrong
 */
export async function startController(config: ControllerConfig, deps: StartControllerDeps): Promise<RunningController> {
  const { clock, log, env } = deps;
  const forge = readForge(config, env);
  const settings = coreSettings(forge, config.region);
  const hooks = readWebhooks(forge.webhooks, env);
  const origins = new Origins(forge.api.origins);
  const secrets = await openSecrets(config.secrets, ["shared", "ticket", "token"], {
    clock,
    random: Math.random,
    env,
    log,
  });
  const certificate = config.tls && (await openCertificate(config.tls, { clock, random: Math.random, env, log }));
  const tokens = new Tokens(secrets.now.token, clock);
  secrets.subscribe(({ token }) => tokens.setKeys(token));
  const events = new EventLog({
    epoch: 0,
    onListenerError: (error) => log.error({ err: error }, "an event listener failed"),
  });
  const links = new AgentLinks({
    region: config.region,
    controllerId: config.controllerId,
    clock,
    log,
    silentAfterMs: settings.suspectAfterSecs * 1000,
  });
  const engine = await (deps.connectEngine ?? (() => connectEngine(config, deps)))();
  const scalingWebhook = new ScalingWebhook({ region: config.region, folder: folderOf(config), env, clock });
  const publicUrl = config.publicUrl ?? `${config.tls === undefined ? "http" : "https"}://${formatAddress(config.api)}`;
  const { region, controllerId, agentListen } = config;
  const seenEpoch = (): number => links.highestEpoch;
  const world = { clock, random: Math.random, env, log };
  const consul =
    config.consul && joinConsul(config.consul, { region, controllerId, publicUrl, agentListen, seenEpoch, ...world });
  const leadership = consul?.leadership ?? new SoleLeadership(join(config.dataDir, "epoch"));
  const document = <T>(key: string, file: string): SharedDocument<T> =>
    consul?.document(key) ?? new FileDocument(join(config.dataDir, file));
  const counts = new EventCounts();
  events.subscribe(({ event }) => counts.count(event));
  const webhooks = new Webhooks({ hooks, source: events, clock, random: Math.random, log });
  const controller = new Controller({
    region: config.region,
    controllerId: config.controllerId,
    core: new Core({
      settings,
      controllerId: config.controllerId,
      ids: idSource(config.region, randomFillSync),
      avoidsNodes: engine.avoidsNodes,
    }),
    engine,
    links,
    peers: new RegionPeers({
      region: config.region,
      regions: config.regions.map(({ name, url, location }) => ({ name, url, location })),
      token: ownToken(tokens, { sub: `controller/${region}`, role: "viewer" }, clock),
      placeToken: ownToken(tokens, { sub: `controller/${region}`, role: "allocator" }, clock),
      shared: () => secrets.now.shared,
      clock,
      log,
    }),
    events,
    decisions: new DecisionLog(),
    clock,
    log,
    settings,
    webhook: scalingWebhook,
    kept: document<KeptFleets>(fleetsKey(region), "fleets.json"),
    meters: [counts, webhooks, scalingWebhook],
  });
  const shift = new Shift({
    store: document(shiftKey(region), "shift.json"),
    clock,
    log,
    leads: () => controller.status(),
    connect: (agones) => new AgonesAllocator(agones),
    metric: prometheusValue,
  });
  events.subscribe(({ event }) => {
    if (event.type === "session.lost") shift.addLost(event.experienceId);
  });
  let api: FastifyInstance | undefined;
  let listener: ChannelListener | undefined;
  let services: RegionServices | undefined;
  try {
    // Its port first: nothing is spawned by a controller that nobody can reach.
    api = await listenApi(config, { controller, shift, tokens, secrets, certificate, origins }, deps);
    services = await startRegionServices(config, forge, { controller, tokens, clock, log });
    if (config.agentListen !== undefined) {
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
      listener = await listenSocket(parseAddress(config.agentListen), options, (channel) => links.accept(channel));
    }
    await controller.start(
      (seenEpoch) => leadership.outrun(seenEpoch),
      () => leadership.certainUntilMs(),
    );
  } catch (error) {
    await Promise.allSettled([
      api?.close(),
      services?.close(),
      listener?.close(),
      webhooks.close(),
      controller.close(),
      consul?.close(),
    ]);
    throw error;
  }
  await leadership.start(({ leader, epoch, ...more }) => {
    events.setEpoch(epoch);
    controller.setLeadership(leader, epoch, more);
    consul?.showLeader(leader);
  });
  shift.start();
  certificate?.subscribe((next) => {
    // A server of Fastify's that speaks TLS is one of node:tls.
    (api?.server as unknown as TlsServer | undefined)?.setSecureContext(next);
    listener?.renew(next);
  });
  const endWatch = followForge(config, consul, { controller, webhooks, origins }, deps);
  const running = { api, listener, services };
  return {
    controller,
    acceptAgent: (channel) => links.accept(channel),
    close: async () => {
      endWatch();
      // First of all, so that another leads at once.
      await leadership.close();
      await shift.close();
      await consul?.close();
      await running.services.close();
      await running.api.close();
      await running.listener?.close();
      await webhooks.close();
      await scalingWebhook.close();
      await controller.close();
      await certificate?.close();
      await secrets.close();
    },
  };
}
