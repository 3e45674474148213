import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Server as TlsServer } from "node:tls";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { showAuthority } from "../clients/authority";
import { openCertificate, type LiveCertificate } from "../clients/live-certificate";
import { openSecrets, type LiveSecrets } from "../clients/run-secrets";
import type { ForgeConfig } from "../config/config";
import { loadConfig } from "../config/load";
import { configKey, controllerQuery, controllerService, fleetsKey, shiftKey } from "../config/region-names";
import { formatAddress, parseAddress } from "../protocol/address";
import type { Clock } from "../protocol/clock";
import { controllerCodec } from "../protocol/codec";
import { listenSocket, type ChannelListener } from "../protocol/socket-listener";
import { joinConsul, type ConsulParts } from "./adapters/consul/join-consul";
import { EmbeddedEngine } from "./adapters/embedded/embedded-engine";
import { SoleLeadership } from "./adapters/embedded/sole-leadership";
import { connectNomad } from "./adapters/nomad/connect-nomad";
import { AgentLinks, type AgentChannel } from "./agent-links";
import { buildApi } from "./api/api";
import { Controller } from "./controller";
import type { ControllerConfig } from "./controller-config";
import { Core } from "./core/core";
import { coreSettings } from "./core-settings";
import { DecisionLog } from "./decision-log";
import { FileDocument, type SharedDocument } from "./document";
import type { Engine } from "./engine";
import { EventLog } from "./event-log";
import { idSource } from "./id-source";
import type { KeptFleets } from "./fleet-keeper";
import { watchFile } from "./live-config";
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

const PEER_TOKEN_SECS = 3600;
/** A peer token is renewed with this much of its life left. */
const PEER_TOKEN_SLACK_SECS = 300;

/**
 * The one place where a region's controller is put together: core, engine, agents, HTTP API, events, live config.
 * @throws {Error} where its port is taken, root is not there, or forge.toml is wrong
 */
export async function startController(config: ControllerConfig, deps: StartControllerDeps): Promise<RunningController> {
  const { clock, log, env } = deps;
  const forge = readForge(config, env);
  const settings = coreSettings(forge, config.region);
  const hooks = readWebhooks(forge.webhooks, env);
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
      regions: regionAddresses(config),
      token: peerToken(tokens, config.region, "viewer", clock),
      placeToken: peerToken(tokens, config.region, "allocator", clock),
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
  const webhooks = new Webhooks({ hooks, source: events, clock, random: Math.random, log });
  let api: FastifyInstance | undefined;
  let listener: ChannelListener | undefined;
  let services: RegionServices | undefined;
  try {
    // Its port first: nothing is spawned by a controller that nobody can reach.
    api = await listenApi(config, controller, { tokens, secrets, certificate, shift }, deps);
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
  const endWatch = followConfig(config, consul, { controller, webhooks }, deps);
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

function connectEngine(
  { region, config, engine }: ControllerConfig,
  { clock, log, env }: StartControllerDeps,
): Promise<Engine> {
  if (engine.kind === "nomad") return connectNomad(engine, { region, clock, log, random: Math.random });
  const { rootSocket, rootSecret, runDir, dataDir, home, ports } = engine;
  return EmbeddedEngine.connect({
    region,
    root: { socketPath: rootSocket, secret: rootSecret },
    runDir,
    dataDir,
    home,
    baseDir: config.kind === "file" ? folderOf({ config }) : home,
    ports,
    env,
    warn: (message) => log.warn(message),
    clock,
  });
}

/** Where forge.toml's relative paths begin; where it came without a file, the working folder. */
function folderOf({ config }: Pick<ControllerConfig, "config">): string {
  return config.kind === "file" ? (config.baseDir ?? dirname(config.path)) : process.cwd();
}

/** By which names, beside plain addresses, it may be called: its own, and those that Consul's DNS has for it. */
function hostNames({ region, publicUrl, consul }: ControllerConfig): readonly string[] {
  const own = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  if (consul === undefined) return own;
  const service = controllerService(region);
  const tagged = ["leader", "standby"].map((tag) => `${tag}.${service}.service.consul`);
  return [...own, `${service}.service.consul`, ...tagged, `${controllerQuery(region)}.query.consul`];
}

/** What tells this controller's callers who it is, and it who they are. */
interface Trust {
  readonly tokens: Tokens;
  readonly secrets: LiveSecrets;
  readonly certificate: LiveCertificate | undefined;
}

async function listenApi(
  config: ControllerConfig,
  controller: Controller,
  { tokens, secrets, certificate, shift }: Trust & { readonly shift: Shift },
  { clock, version, log }: StartControllerDeps,
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

function readForge({ config }: ControllerConfig, env: StartControllerDeps["env"]): ForgeConfig {
  if (config.kind === "file")
    return loadConfig({ file: config.path, env, readFile: (path) => readFileSync(path, "utf8") }).config;
  const text = Buffer.from(config.base64, "base64").toString("utf8");
  return loadConfig({ file: "the forge.toml that the controller's job carries", env, readFile: () => text }).config;
}

/** What follows forge.toml while the controller runs. */
interface Followers {
  readonly controller: Controller;
  readonly webhooks: Webhooks;
}

/** What KV says outranks the file that this controller was started with. */
function followConfig(
  config: ControllerConfig,
  consul: ConsulParts | undefined,
  followers: Followers,
  deps: StartControllerDeps,
): () => void {
  const { env, clock } = deps;
  const { region } = config;
  if (consul) {
    const file = `Consul KV ${configKey(region)}`;
    return consul.followConfig((text) =>
      takeForge(() => loadConfig({ file, env, readFile: () => text }).config, region, followers, deps),
    );
  }
  if (config.config.kind !== "file") return () => undefined;
  return watchFile(config.config.path, clock, () => takeForge(() => readForge(config, env), region, followers, deps));
}

/** A text with a fault changes nothing: what was in force stays; log, events and metrics say so. */
function takeForge(
  read: () => ForgeConfig,
  region: string,
  { controller, webhooks }: Followers,
  { log, env }: StartControllerDeps,
): void {
  try {
    const forge = read();
    const hooks = readWebhooks(forge.webhooks, env);
    const settings = coreSettings(forge, region);
    // First, so that a new receiver hears of the change that names it.
    webhooks.setHooks(hooks);
    controller.setSettings(settings);
  } catch (error) {
    controller.settingsRejected((error as Error).message);
    log.error({ err: error }, "the changed forge.toml is not used; what was in force before stays");
  }
}

function regionAddresses(config: ControllerConfig): ConstructorParameters<typeof RegionPeers>[0]["regions"] {
  return config.regions.map(({ name, url, location }) => ({ name, url, location }));
}

function peerToken(tokens: Tokens, region: string, role: "viewer" | "allocator", clock: Clock): () => string {
  let current = { token: "", expiresAtMs: 0 };
  return () => {
    if (clock.now() > current.expiresAtMs - PEER_TOKEN_SLACK_SECS * 1000)
      current = tokens.mint({
        sub: `controller/${region}`,
        role,
        regions: ["*"],
        expiresInSecs: PEER_TOKEN_SECS,
      });
    return current.token;
  };
}
