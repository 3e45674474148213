import * as z from "zod";
import type { Consul } from "../../clients/consul";
import { HttpStatusError } from "../../clients/http-json";
import type { Clock } from "../../protocol/clock";
import type { ExpectedServer } from "../../protocol/messages";
import type { ServerObserver } from "../agent-deps";
import type { GameServer } from "../game-server";
import {
  checkId,
  isToldByAgent,
  NODE_META,
  serverService,
  TTL_MS,
  type ServerHealth,
  type ServiceDefinition,
} from "./server-service";

export interface ServerRegistrationsDeps {
  readonly consul: Pick<Consul, "json" | "tokens">;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told when Consul stops answering, and with undefined when it answers again. */
  readonly onTrouble: (problem: string | undefined) => void;
}

/** A server as it should be registered. */
interface Wanted {
  /** What the definition was made of. */
  readonly expect: ExpectedServer;
  readonly definition: ServiceDefinition;
  readonly text: string;
  health: ServerHealth;
}

/** What Consul was last told of a server. */
interface Told {
  readonly text: string;
  status: string | undefined;
  atMs: number;
}

/** So many calls at a time: a node's thousand servers must not be a thousand calls at once. */
const AT_ONCE = 8;
const CALL_MS = 5000;
/** How often what Consul has is compared with what it should have. */
const RESYNC_MS = 60_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

const services = z.record(z.string(), z.object({ ID: z.string(), Meta: z.record(z.string(), z.string()).nullish() }));

/**
 * Keeps the node's game servers registered with its Consul agent. Others say what is so; this brings Consul in line, a few
 * calls at a time, and compares the whole every minute and after each time that Consul was away. Nobody waits for it.
 */
export class ServerRegistrations implements ServerObserver {
  private readonly wanted = new Map<string, Wanted>();
  private readonly told = new Map<string, Told>();
  private readonly dirty = new Set<string>();
  private running = 0;
  private failures = 0;
  private tokens = 0;
  private inSync = false;
  private answering = true;
  private cancelTimer: () => void = () => undefined;
  private cancelPause: (() => void) | undefined;
  private closed = false;

  constructor(private readonly deps: ServerRegistrationsDeps) {}

  /** To be called once the agent knows its servers: whatever else Consul has of this node is taken out. */
  start(): void {
    this.tick(0);
  }

  /** Called for each seat, so it costs next to nothing where nothing has changed. */
  changed(server: GameServer): void {
    const { serverId, expect } = server;
    if (server.gone) return this.gone(serverId);
    const health = healthOf(server);
    const known = this.wanted.get(serverId);
    if (known?.expect === expect) {
      if (known.health === health) return;
      known.health = health;
    } else {
      const definition = serverService(expect, this.deps.nodeId);
      if (!definition) return this.gone(serverId);
      this.wanted.set(serverId, { expect, definition, text: JSON.stringify(definition), health });
    }
    this.touch(serverId);
  }

  gone(serverId: string): void {
    if (this.wanted.delete(serverId) || this.told.has(serverId)) this.touch(serverId);
  }

  /** Leaves what is registered: the servers go on, and so does the agent in a moment. */
  close(): void {
    this.closed = true;
    this.cancelTimer();
    this.cancelPause?.();
  }

  private touch(serverId: string): void {
    this.dirty.add(serverId);
    this.work();
  }

  private work(): void {
    while (!this.closed && !this.cancelPause && this.inSync && this.running < AT_ONCE) {
      const [serverId] = this.dirty;
      if (serverId === undefined) return;
      this.dirty.delete(serverId);
      this.running += 1;
      this.bringInLine(serverId)
        .then(
          () => this.succeeded(),
          (error: unknown) => {
            // What Consul cannot read it will not read the next time either.
            if (!(error instanceof HttpStatusError && error.status === 400)) this.dirty.add(serverId);
            this.failed(error);
          },
        )
        .finally(() => {
          this.running -= 1;
          this.work();
        });
    }
  }

  private async bringInLine(serverId: string): Promise<void> {
    const { clock } = this.deps;
    const wanted = this.wanted.get(serverId);
    const told = this.told.get(serverId);
    if (!wanted) {
      await this.deregister(serverId);
      this.told.delete(serverId);
      return;
    }
    const { definition, text, health } = wanted;
    if (told?.text !== text) {
      await this.put("/v1/agent/service/register", { body: definition, query: { "replace-existing-checks": true } });
      this.told.set(serverId, { text, status: undefined, atMs: clock.now() });
    }
    if (isToldByAgent(definition)) await this.tellHealth(serverId, health);
  }

  private async tellHealth(serverId: string, { status, output }: ServerHealth): Promise<void> {
    const body = { Status: status, Output: output };
    try {
      await this.put(`/v1/agent/check/update/${checkId(serverId)}`, { body });
    } catch (error) {
      // Consul's agent has forgotten it: registered anew the next time.
      if (error instanceof HttpStatusError && error.status !== 403) this.told.delete(serverId);
      throw error;
    }
    const told = this.told.get(serverId);
    if (told) Object.assign(told, { status, atMs: this.deps.clock.now() });
  }

  private async deregister(serverId: string): Promise<void> {
    try {
      await this.put(`/v1/agent/service/deregister/gameserver-${serverId}`);
    } catch (error) {
      if (!(error instanceof HttpStatusError) || !/unknown service|404/i.test(`${error.status} ${error.text}`))
        throw error;
    }
  }

  /** Asks what this node's Consul agent has, and makes a note of all that differs. */
  private async resync(): Promise<void> {
    const { consul, nodeId } = this.deps;
    const query = { filter: `Meta["${NODE_META}"] == "${nodeId}"` };
    const has = services.parse(await consul.json("GET", "/v1/agent/services", { query, timeoutMs: CALL_MS }));
    const there = new Set(Object.values(has).map(({ Meta }) => Meta?.["serverId"] ?? ""));
    // A token that has ended takes its registrations with it: all are made again with the new one.
    const again = consul.tokens !== this.tokens;
    this.tokens = consul.tokens;
    for (const serverId of this.wanted.keys()) {
      if (there.has(serverId) && this.told.has(serverId) && !again) continue;
      this.told.delete(serverId);
      this.dirty.add(serverId);
    }
    for (const serverId of there) if (!this.wanted.has(serverId)) this.dirty.add(serverId);
    this.inSync = true;
  }

  private tick(sinceResyncMs: number): void {
    const look = async (): Promise<number> => {
      if (this.inSync && sinceResyncMs < RESYNC_MS && this.deps.consul.tokens === this.tokens) return sinceResyncMs;
      await this.resync();
      this.succeeded();
      return 0;
    };
    look()
      .catch((error: unknown) => {
        this.failed(error);
        return RESYNC_MS;
      })
      .then((sinceMs) => {
        if (this.closed) return;
        this.feed();
        this.work();
        const everyMs = this.inSync && this.answering ? TTL_MS / 30 : LONGEST_PAUSE_MS / 5;
        this.cancelTimer = this.deps.clock.after(everyMs * (0.75 + this.deps.random() / 2), () =>
          this.tick(sinceMs + everyMs),
        );
      })
      .catch(() => undefined);
  }

  /** What the agent judges itself has to be said again before Consul takes it for dead. */
  private feed(): void {
    const beforeMs = this.deps.clock.now() - TTL_MS / 3;
    for (const [serverId, { definition }] of this.wanted) {
      const told = this.told.get(serverId);
      if (told && told.atMs <= beforeMs && isToldByAgent(definition)) this.dirty.add(serverId);
    }
  }

  private succeeded(): void {
    this.failures = 0;
    if (!this.answering) this.deps.onTrouble(undefined);
    this.answering = true;
  }

  private failed(error: unknown): void {
    if (this.closed) return;
    if (this.answering) this.deps.onTrouble((error as Error).message);
    this.answering = false;
    // It may have been restarted, and have forgotten: the whole is compared once it answers.
    this.inSync = false;
    if (this.cancelPause) return;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.failures, 10));
    this.failures += 1;
    this.cancelPause = this.deps.clock.after(longest * (0.5 + this.deps.random() / 2), () => {
      this.cancelPause = undefined;
      this.work();
    });
  }

  private async put(
    path: string,
    { body, query }: { body?: unknown; query?: Record<string, boolean> } = {},
  ): Promise<void> {
    const { consul } = this.deps;
    await consul.json("PUT", path, {
      timeoutMs: CALL_MS,
      ...(body !== undefined && { body }),
      ...(query && { query }),
    });
  }
}

const READY: ServerHealth = { status: "passing", output: "ready" };
const STARTING: ServerHealth = { status: "critical", output: "it is not ready yet" };
const UNHEALTHY: ServerHealth = { status: "critical", output: "it is not healthy" };
const LEAVING: ServerHealth = { status: "critical", output: "it takes no more players" };

function healthOf({ book: { state }, draining, stopping }: GameServer): ServerHealth {
  if (!state.healthy) return UNHEALTHY;
  if (!state.ready) return STARTING;
  return state.closed || draining || stopping ? LEAVING : READY;
}
