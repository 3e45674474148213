import { randomFillSync } from "node:crypto";
import { join } from "node:path";
import type { Logger } from "pino";
import { openCertificate, type LiveCertificate } from "../clients/live-certificate";
import { openSecrets, type LiveSecrets } from "../clients/run-secrets";
import type { ForgeConfig } from "../config/config";
import { fleetsKey, shiftKey } from "../config/region-names";
import { formatAddress } from "../protocol/address";
import type { Clock } from "../protocol/clock";
import { joinConsul, type ConsulParts } from "./adapters/consul/join-consul";
import { SoleLeadership } from "./adapters/embedded/sole-leadership";
import { AgentLinks } from "./agent-links";
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
import type { KeptFleets } from "./fleet-keeper";
import { folderOf, readForge } from "./forge-file";
import { idSource } from "./id-source";
import type { Leadership } from "./leadership";
import { ownToken } from "./own-token";
import { RegionPeers } from "./region-peers";
import { ScalingWebhook } from "./scaling-webhook";
import { AgonesAllocator } from "./shift/agones-allocator";
import { prometheusValue } from "./shift/prometheus-value";
import { Shift } from "./shift/shift";
import { Tokens } from "./tokens";
import { UnheardNodes } from "./unheard-nodes";
import { readWebhooks, Webhooks } from "./webhooks";

export interface AssembleDeps {
  readonly clock: Clock;
  /** The one that others hold tokens and signatures to. */
  readonly wallClock: Clock;
  readonly log: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Another engine than the one that the configuration names: a double, to measure all but the servers themselves. */
  readonly connectEngine?: () => Promise<Engine>;
}

/** By what others know a controller, and it them. */
interface Identity {
  readonly secrets: LiveSecrets;
  readonly certificate: LiveCertificate | undefined;
  readonly tokens: Tokens;
  close(): Promise<void>;
}

/** What a region's controller consists of, put together; nobody can reach it yet. */
export interface ControllerParts extends Omit<Identity, "close"> {
  readonly forge: ForgeConfig;
  readonly controller: Controller;
  readonly shift: Shift;
  readonly events: EventLog;
  readonly links: AgentLinks;
  readonly webhooks: Webhooks;
  readonly origins: Origins;
  readonly consul: ConsulParts | undefined;
  readonly leadership: Leadership;
  /** Gives the lead away and takes itself out of Consul, so that nobody comes any more. */
  leave(): Promise<void>;
  /** After `leave`. Servers and agents go on. */
  close(): Promise<void>;
}

/**
 * Puts a controller together: core, engine, agents' links, events, webhooks, leadership, what it shares with the others.
 * @throws {Error} where root is not there, a secret or a certificate is none, or forge.toml is wrong
 */
export async function assemble(config: ControllerConfig, deps: AssembleDeps): Promise<ControllerParts> {
  const { clock, wallClock, log, env } = deps;
  const { region, controllerId } = config;
  const world = { clock, random: Math.random, env, log };
  const forge = readForge(config, env);
  const settings = coreSettings(forge, region);
  const hooks = readWebhooks(forge.webhooks, env);
  const identity = await openIdentity(config, deps);
  const { secrets, certificate, tokens } = identity;
  const connect = deps.connectEngine ?? (() => connectEngine(config, deps));
  const engine = await connect().catch(async (error: unknown) => {
    await identity.close();
    throw error;
  });

  const events = new EventLog({
    epoch: 0,
    onListenerError: (error) => log.error({ err: error }, "an event listener failed"),
  });
  const links = new AgentLinks({ region, controllerId, clock, log, silentAfterMs: settings.suspectAfterSecs * 1000 });
  const { agentListen, publicUrl = urlOf(config) } = config;
  const seenEpoch = (): number => links.highestEpoch;
  const consul =
    config.consul && joinConsul(config.consul, { region, controllerId, publicUrl, agentListen, seenEpoch, ...world });
  const leadership = consul?.leadership ?? new SoleLeadership(join(config.dataDir, "epoch"));
  const document = <T>(key: string, file: string): SharedDocument<T> =>
    consul?.document(key) ?? new FileDocument(join(config.dataDir, file));

  const counts = new EventCounts();
  events.subscribe(({ event }) => counts.count(event));
  const webhooks = new Webhooks({ hooks, source: events, clock: wallClock, random: Math.random, log });
  const scalingWebhook = new ScalingWebhook({ region, folder: folderOf(config), env, clock: wallClock });
  const ids = idSource(region, randomFillSync);
  const controller = new Controller({
    region,
    controllerId,
    core: new Core({ settings, controllerId, ids, avoidsNodes: engine.avoidsNodes }),
    engine,
    links,
    peers: peersOf(config, identity, deps),
    ...(consul && { unheard: unheardOf(config, identity, deps) }),
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

  return {
    ...{ forge, controller, shift, events, links, webhooks, consul, leadership, secrets, certificate, tokens },
    origins: new Origins(forge.api.origins),
    leave: async () => {
      // First of all, so that another leads at once.
      await leadership.close();
      await shift.close();
      await consul?.close();
    },
    close: async () => {
      await webhooks.close();
      await scalingWebhook.close();
      await controller.close();
      await identity.close();
    },
  };
}

async function openIdentity(config: ControllerConfig, { clock, wallClock, log, env }: AssembleDeps): Promise<Identity> {
  const world = { clock, random: Math.random, env, log };
  const secrets = await openSecrets(config.secrets, ["shared", "ticket", "token"], world);
  try {
    const certificate = config.tls && (await openCertificate(config.tls, world));
    const tokens = new Tokens(secrets.now.token, wallClock);
    secrets.subscribe(({ token }) => tokens.setKeys(token));
    const close = async (): Promise<void> => {
      await certificate?.close();
      await secrets.close();
    };
    return { secrets, certificate, tokens, close };
  } catch (error) {
    await secrets.close();
    throw error;
  }
}

function peersOf(
  { region, regions }: ControllerConfig,
  { secrets, tokens }: Identity,
  { clock, log }: AssembleDeps,
): RegionPeers {
  const sub = `controller/${region}`;
  return new RegionPeers({
    region,
    regions: regions.map(({ name, url, location }) => ({ name, url, location })),
    token: ownToken(tokens, { sub, role: "viewer" }),
    placeToken: ownToken(tokens, { sub, role: "allocator" }),
    shared: () => secrets.now.shared,
    clock,
    log,
  });
}

function unheardOf(
  { region }: ControllerConfig,
  { secrets, tokens }: Identity,
  { clock, log }: AssembleDeps,
): UnheardNodes {
  const token = ownToken(tokens, { sub: `controller/${region}`, role: "operator" });
  return new UnheardNodes({ region, token, shared: () => secrets.now.shared, clock, log });
}

function urlOf({ api, tls }: ControllerConfig): string {
  return `${tls === undefined ? "http" : "https"}://${formatAddress(api)}`;
}
