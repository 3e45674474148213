import type { Command } from "../input";
import type { Server, Session } from "../resources";
import { Promises, REGION_MAX } from "./promises";
import { RegionDouble } from "./region-double";
import { testExperience, testSettings } from "./settings-double";

/** Anything that can happen to a region, with its targets as numbers that are taken modulo what there is. */
export type Step =
  | {
      readonly do: "join";
      readonly player: number;
      readonly experience: number;
      readonly party: readonly number[];
      readonly deadlineMs: number | undefined;
    }
  | {
      readonly do: "allocate";
      readonly match: number;
      readonly players: readonly number[];
      readonly deadlineMs: number | undefined;
      /** With a server that has the label first, or only there. */
      readonly labelled?: "first" | "only" | undefined;
    }
  | { readonly do: "label"; readonly server: number; readonly on: boolean }
  | { readonly do: "route"; readonly server: number; readonly players: readonly number[] }
  | { readonly do: "end" | "follow"; readonly session: number }
  | { readonly do: "waitQueue" | "leaveQueue"; readonly ticket: number }
  | { readonly do: "play" | "leave"; readonly session: number }
  | { readonly do: "endMatch" | "hang" | "wish"; readonly server: number }
  | { readonly do: "kill"; readonly server: number; readonly agentFirst: boolean; readonly exitCode: number }
  | { readonly do: "terminate"; readonly server: number; readonly drainSecs: number; readonly force: boolean }
  | { readonly do: "spawn"; readonly experience: number; readonly waitReady: boolean }
  | { readonly do: "deliver"; readonly channel: number; readonly count: number }
  | { readonly do: "run" | "restart" | "lose leadership" | "undrain" | "drain" }
  | { readonly do: "cut" | "connect" | "nodeDown"; readonly node: number }
  | { readonly do: "usurp"; readonly players: readonly number[]; readonly experience: number }
  | { readonly do: "refuse"; readonly on: boolean }
  | {
      readonly do: "policy";
      readonly experience: number;
      readonly min: number;
      readonly more: number;
      readonly version: number;
    }
  | { readonly do: "wait"; readonly ms: number };

export const EXPERIENCES = ["arena", "duel", "isle"] as const;
const NODES = ["n1", "n2"];
const ICE = { matchLabels: { map: "ice" } };
const SELECTORS = { first: [ICE, {}], only: [ICE] };

const settings = testSettings(
  [
    testExperience("arena", {
      maxPlayers: 3,
      scaling: { minServers: 1, maxServers: 4, scaleUpCooldownSecs: 15, scaleDownCooldownSecs: 20 },
      routing: { queueLimit: 5 },
    }),
    testExperience("duel", {
      maxPlayers: 2,
      seats: "match",
      scaling: { minServers: 0, maxServers: 3, scaleUpCooldownSecs: 15, scaleDownCooldownSecs: 20 },
    }),
    testExperience("isle", { maxPlayers: 3, kind: "world", volumes: { world: "/data" } }),
  ],
  { scaling: { ...testSettings([]).scaling, maxServersPerRegion: REGION_MAX } },
);

/** A region under any mixture of steps, with the promises checked as they could be broken. */
export class Storm {
  readonly region = new RegionDouble(settings, NODES);
  readonly promises = new Promises(this.region);

  constructor() {
    this.region.watch = (decision) => this.promises.onDecision(decision);
    this.region.start();
  }

  take(step: Step): void {
    const { region: r } = this;
    // Whoever steps down asks for the lock again, and gets it with a higher epoch.
    if (r.steppedDown > 0) {
      r.steppedDown = 0;
      this.leadAgain();
    }
    switch (step.do) {
      case "join": {
        const party = step.party.map(player);
        this.ask({
          type: "createSession",
          playerId: player(step.player),
          experienceId: experience(step.experience),
          ...(party.length > 0 ? { party } : {}),
          ...(step.deadlineMs === undefined ? {} : { deadlineMs: step.deadlineMs }),
        });
        return;
      }
      case "allocate":
        this.ask({
          type: "allocateMatch",
          experienceId: "duel",
          matchId: `m${String(step.match)}`,
          players: step.players.map((of) => ({ playerId: player(of) })),
          ...(step.labelled === undefined ? {} : { selectors: SELECTORS[step.labelled] }),
          ...(step.deadlineMs === undefined ? {} : { deadlineMs: step.deadlineMs }),
        });
        return;
      case "label":
        return this.onServer(step.server, ({ id }) =>
          this.ask({ type: "labelServer", serverId: id, labels: { map: step.on ? "ice" : null } }),
        );
      case "route":
        return this.onServer(step.server, ({ id }) =>
          this.ask({ type: "routePlayers", serverId: id, players: step.players.map(player) }),
        );
      case "end":
        return this.onSession(step.session, ({ id }) =>
          this.ask({ type: "endSession", sessionId: id, reason: "asked" }),
        );
      case "follow":
        return this.onSession(step.session, ({ id, generation }) =>
          this.ask({ type: "followSession", sessionId: id, afterGeneration: generation, untilMs: r.nowMs + 5000 }),
        );
      case "waitQueue":
        return this.onTicket(step.ticket, (queueTicket) =>
          this.ask({ type: "waitQueue", queueTicket, untilMs: r.nowMs + 5000 }),
        );
      case "leaveQueue":
        return this.onTicket(step.ticket, (queueTicket) => this.ask({ type: "leaveQueue", queueTicket }));
      case "play":
        return this.onSession(
          step.session,
          ({ id, serverId, generation }) =>
            serverId !== null &&
            this.hasServer(serverId) &&
            r.agentOf(serverId).join(serverId, id, generation, r.nowMs),
        );
      case "leave":
        return this.onSession(
          step.session,
          ({ id, serverId }) =>
            serverId !== null && this.hasServer(serverId) && r.agentOf(serverId).leave(serverId, id, r.nowMs),
        );
      case "endMatch":
        return this.onServer(step.server, ({ id }) => this.hasServer(id) && r.agentOf(id).endMatch(id, r.nowMs));
      case "hang":
        return this.onServer(step.server, ({ id }) => this.hasServer(id) && r.agentOf(id).hang(id, r.nowMs));
      case "wish":
        return this.onServer(step.server, ({ id }) => {
          this.promises.forced.add(id);
          if (this.hasServer(id)) r.agentOf(id).say(id, { kind: "shutdownAsked" }, r.nowMs);
        });
      case "kill":
        return this.onServer(step.server, ({ id }) => {
          if (!r.engine.running(id)) return;
          r.engine.end(id, { exitCode: step.exitCode, signal: undefined, requested: false }, r.nowMs);
          if (step.agentFirst && this.hasServer(id)) r.agentOf(id).lose(id, "process ended", r.nowMs);
        });
      case "terminate":
        return this.onServer(step.server, ({ id, experienceId }) => {
          if (step.force) this.promises.forced.add(id);
          if (experienceId === "isle") this.promises.worlds.add(id);
          this.promises.deadlines.set(
            id,
            Math.min(this.promises.deadlines.get(id) ?? Infinity, r.nowMs + step.drainSecs * 1000),
          );
          this.ask({
            type: "terminateServer",
            serverId: id,
            drainSecs: step.drainSecs,
            force: step.force,
            reason: "asked",
          });
        });
      case "spawn":
        this.ask({ type: "spawnServer", experienceId: experience(step.experience), waitReady: step.waitReady });
        return;
      case "deliver": {
        const channels = r.channels();
        const channel = channels[step.channel % channels.length] ?? "engine";
        for (let i = 0; i < step.count && r.deliver(channel); i++);
        return;
      }
      case "run":
        r.run();
        return;
      case "restart":
        this.promises.onRestart();
        return r.restart();
      case "lose leadership":
        return this.leadAgain();
      case "drain":
      case "undrain":
        this.ask({ type: "drainRegion", on: step.do === "drain" });
        return;
      case "cut":
        return r.cut(node(step.node));
      case "connect":
        return r.connect(node(step.node));
      case "nodeDown": {
        const nodeId = node(step.node);
        r.cut(nodeId);
        for (const server of r.engine.list()) {
          if (server.nodeId !== nodeId || server.state === "exited") continue;
          r.engine.end(server.serverId, { exitCode: undefined, signal: "SIGKILL", requested: false }, r.nowMs);
          r.agent(nodeId).lose(server.serverId, "node down", r.nowMs);
        }
        r.agent(nodeId).events.length = 0;
        return r.give({ type: "engine", event: { type: "nodeDown", nodeId, reason: "test" } });
      }
      case "usurp":
        r.usurp(
          step.players.map((of) => ({
            type: "createSession",
            playerId: player(of),
            experienceId: experience(step.experience),
          })),
        );
        return;
      case "refuse":
        r.engine.refuse = step.on ? "program missing" : undefined;
        return;
      case "policy": {
        const id = experience(step.experience);
        const max = step.min + step.more;
        if (id !== "isle") this.promises.onPut(this.region.asked.length + 1, id, Math.max(1, max));
        this.ask({
          type: "putFleet",
          experienceId: id,
          ...(id === "isle" ? {} : { policy: { minServers: step.min, maxServers: Math.max(1, max) } }),
          version: String(step.version),
        });
        return;
      }
      case "wait":
        r.advance(step.ms, true);
    }
  }

  /** Faults stop, time passes: everything must come to rest, agree, and be told. */
  settle(): void {
    const r = this.region;
    r.engine.refuse = undefined;
    for (const nodeId of NODES) if (!r.link(nodeId).connected) r.connect(nodeId);
    r.run();
    this.leadAgain();
    r.run();
    this.ask({ type: "drainRegion", on: false });
    r.run().advance(100_000);
    this.promises.checkSettled();
    for (const session of this.promises.sessions())
      this.ask({ type: "endSession", sessionId: session.id, reason: "over" });
    for (const { id, matchId } of this.promises.servers()) if (matchId !== null) r.agentOf(id).endMatch(id, r.nowMs);
    r.run().advance(200_000);
    this.promises.checkAtRest();
  }

  private leadAgain(): void {
    const { region: r } = this;
    this.promises.lastStep = new Map();
    r.give({ type: "leadership", leader: false, epoch: r.epoch });
    r.lead();
    r.give({ type: "engineList", servers: r.engine.list() });
  }

  private ask(command: Command): void {
    // Its reply may come before `ask` returns.
    if (command.type === "followSession") this.promises.follows.add(this.region.asked.length + 1);
    this.region.ask(command);
  }

  private onServer(index: number, use: (server: Server) => unknown): void {
    const servers = this.promises.servers();
    const server = servers[index % Math.max(1, servers.length)];
    if (server) use(server);
  }

  private onSession(index: number, use: (session: Session) => unknown): void {
    const sessions = this.promises.sessions();
    const session = sessions[index % Math.max(1, sessions.length)];
    if (session) use(session);
  }

  private onTicket(index: number, use: (ticket: string) => unknown): void {
    const ticket = this.promises.tickets[index % Math.max(1, this.promises.tickets.length)];
    if (ticket !== undefined) use(ticket);
  }

  private hasServer(serverId: string): boolean {
    return [...this.region.agents.values()].some(({ servers }) => servers.has(serverId));
  }
}

function player(of: number): string {
  return `p${String(of)}`;
}

function experience(of: number): string {
  return EXPERIENCES[of % EXPERIENCES.length] ?? "arena";
}

function node(of: number): string {
  return NODES[of % NODES.length] ?? "n1";
}
