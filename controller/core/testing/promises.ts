import type { CommandResult, Decision } from "../decision";
import type { Placement, Server, Session } from "../resources";
import type { Command } from "../input";
import type { DoubleServer } from "./server-double";
import type { RegionDouble } from "./region-double";

export const REGION_MAX = 6;
export const COOLDOWN_MS = { up: 15_000, down: 20_000 };
const MAXIMA: readonly (readonly [string, number])[] = [
  ["arena", 4],
  ["duel", 3],
  ["isle", 1],
];

/** Watches a region double and writes down every promise that is broken. */
export class Promises {
  readonly broken: string[] = [];
  /** Queue tickets that were given out. */
  readonly tickets: string[] = [];
  /** Requests that follow a session, whose answer may be without a ticket. */
  readonly follows = new Set<number>();
  /** Servers that may be stopped with players on. */
  readonly forced = new Set<string>();
  readonly deadlines = new Map<string, number>();
  readonly worlds = new Set<string>();
  /** By experience: what was last in force for sure, and what was put since, of which a new leader may know nothing. */
  private readonly maxima = new Map(MAXIMA.map(([id, max]) => [id, [max]]));
  private readonly puts = new Map<number, { readonly experienceId: string; readonly max: number }>();
  lastStep = new Map<string, number>();
  /** `server/session/generation` of every ticket that somebody was given. */
  private readonly told = new Set<string>();

  /** The server of each party that has seats. */
  private readonly parties = new Map<string, string | null>();
  private readonly seenParties = new Set<string>();
  private readonly oldParties = new Set<string>();

  constructor(private readonly region: RegionDouble) {}

  /** The next command asks for this maximum. It counts beside the one before until it was answered, and so is kept. */
  onPut(requestId: number, experienceId: string, max: number): void {
    this.puts.set(requestId, { experienceId, max });
    this.maxima.get(experienceId)?.push(max);
  }

  /** The controller starts anew: it does not know who has left while it was away. */
  onRestart(): void {
    this.lastStep = new Map();
    // A member who left may come back for the length of a lease, where a lost node still has a seat of theirs.
    for (const party of this.seenParties) this.oldParties.add(party);
  }

  /** What must hold at any moment. */
  check(): void {
    const r = this.region;
    for (const [requestId, replies] of r.replies)
      if (replies.length > 1) this.broken.push(`request ${String(requestId)} has ${String(replies.length)} replies`);
    for (const { servers } of r.agents.values()) {
      for (const { expect, seats } of servers.values()) {
        if (seats.size > expect.maxPlayers)
          this.broken.push(`P1: ${expect.serverId} has ${String(seats.size)} of ${String(expect.maxPlayers)}`);
      }
    }
    const live = new Map<string, string>();
    this.parties.clear();
    for (const session of this.sessions()) {
      const party = `${session.experienceId} ${session.connectedAt} ${session.party.join(" ")}`;
      if (
        session.party.length > 0 &&
        !this.oldParties.has(party) &&
        (session.state === "reserved" || session.state === "active")
      ) {
        if ((this.parties.get(party) ?? session.serverId) !== session.serverId)
          this.broken.push(`the party ${party} is split`);
        this.seenParties.add(party);
        this.parties.set(party, session.serverId);
      }
      const key = `${session.experienceId} ${session.playerId}`;
      const other = live.get(key);
      if (other !== undefined) this.broken.push(`P4: ${key} has ${other} and ${session.id}`);
      live.set(key, session.id);
    }
    for (const server of this.servers()) {
      if (server.players > server.maxPlayers)
        this.broken.push(`P1: the core sees ${String(server.players)} of ${String(server.maxPlayers)} on ${server.id}`);
    }
  }

  /** Faults have stopped and time has passed: core and agents agree, and everybody was told. */
  checkSettled(): void {
    this.check();
    this.checkAgreement();
    this.checkReplies();
    this.checkEnds();
    this.checkSizes();
  }

  sessions(): readonly Session[] {
    return this.read<readonly Session[]>({ type: "findSessions" });
  }

  servers(): readonly Server[] {
    return this.read<readonly Server[]>({ type: "listServers" });
  }

  /** Reading commands are answered at once, whatever is on its way. */
  private read<T>(command: Command): T {
    const result = this.region.reply(this.region.ask(command));
    if (!result.ok) throw new Error(result.problem.detail);
    return result.value as T;
  }

  onDecision(decision: Decision): void {
    if (decision.type === "reply") return this.onReply(decision.requestId, decision.result);
    if (decision.type === "stop") return this.onStop(decision.serverId, decision.reason);
    if (
      decision.type === "start" &&
      decision.launch.role === "server" &&
      !this.region.engine.servers.has(decision.launch.serverId)
    )
      this.onStart(decision.launch.experienceId);
    if (decision.type === "event" && decision.event.type === "scaling") {
      const { action, experienceId, detail } = decision.event;
      if (action === "up" && detail?.cause === "step") this.onStep("up", experienceId);
    }
    // A step down closes several servers, each with its event when its agent agrees; the decision is one record.
    if (decision.type === "record" && decision.record.outcome.startsWith("down by"))
      this.onStep("down", decision.record.subject);
  }

  private onReply(requestId: number, result: CommandResult): void {
    if (!result.ok) return;
    const { value } = result;
    const put = this.puts.get(requestId);
    if (put) this.maxima.set(put.experienceId, [put.max, ...this.putSince(requestId, put.experienceId)]);
    if ("queueTicket" in value) this.tickets.push(value.queueTicket);
    for (const ticket of ticketsIn(value)) this.told.add(ticket.slice(0, ticket.lastIndexOf("/")));
    // A follower is told where its session is; only who asks for a place must get a ticket.
    if ("ticket" in value && "server" in value && !this.follows.has(requestId)) this.onPlacement(value as Placement);
  }

  private putSince(requestId: number, experienceId: string): number[] {
    return [...this.puts].flatMap(([id, put]) =>
      id > requestId && put.experienceId === experienceId ? [put.max] : [],
    );
  }

  private onPlacement({ session, server, party = [], ticket }: Placement): void {
    if (!ticket) this.broken.push(`a placement of ${session.id} (${session.state}) has no ticket`);
    if (session.serverId !== server.id)
      this.broken.push(`${session.id} is on ${String(session.serverId)} but was told ${server.id}`);
    for (const other of party)
      if (other.session.serverId !== server.id)
        this.broken.push(
          `party split: ${session.id} on ${server.id}, ${other.session.id} on ${String(other.session.serverId)}`,
        );
  }

  private onStart(experienceId: string): void {
    const running = this.region.engine.list().filter(({ state }) => state !== "exited");
    const own = running.filter((server) => server.experienceId === experienceId).length + 1;
    const max = Math.max(0, ...(this.maxima.get(experienceId) ?? []));
    if (own > max) this.broken.push(`${experienceId} would have ${String(own)} servers of at most ${String(max)}`);
    if (running.length + 1 > REGION_MAX)
      this.broken.push(`the region would have ${String(running.length + 1)} servers`);
  }

  /** Steps up and steps down keep their cooldowns; what repairs or enlarges is no step. */
  private onStep(action: "up" | "down", experienceId: string): void {
    const { nowMs } = this.region;
    const last = this.lastStep.get(`${action} ${experienceId}`) ?? -Infinity;
    if (nowMs - last < COOLDOWN_MS[action])
      this.broken.push(`${experienceId} stepped ${action} twice within ${String(nowMs - last)} ms`);
    this.lastStep.set(`${action} ${experienceId}`, nowMs);
  }

  /** P3: nobody who plays is stopped but by failure, by force, or past a deadline. */
  private onStop(serverId: string, reason: string): void {
    const { nowMs } = this.region;
    let found: DoubleServer | undefined;
    for (const agent of this.region.agents.values()) found ??= agent.servers.get(serverId);
    if (!found || found.gone || !this.region.engine.running(serverId)) return;
    const current = [...found.seats.values()].filter(
      ({ sessionId, generation, joined }) =>
        (joined || this.told.has(`${serverId}/${sessionId}/${String(generation)}`)) &&
        !this.movedOn(sessionId, generation, serverId),
    );
    if (current.length === 0 || !found.healthy || this.forced.has(serverId)) return;
    if (nowMs >= (this.deadlines.get(serverId) ?? Infinity) && this.worlds.has(serverId)) return;
    if (reason.includes("out of reach") || !found.ready) return;
    this.broken.push(`P3: ${serverId} was stopped with ${String(current.length)} players on: ${reason}`);
  }

  private movedOn(sessionId: string, generation: number, serverId: string): boolean {
    for (const { servers } of this.region.agents.values()) {
      for (const { expect, seats } of servers.values()) {
        if (expect.serverId !== serverId && (seats.get(sessionId)?.generation ?? 0) > generation) return true;
      }
    }
    return !this.sessions().some(({ id }) => id === sessionId);
  }

  private checkAgreement(): void {
    const sessions = new Map(this.sessions().map((session) => [session.id, session]));
    const seated = new Map<string, string>();
    for (const { servers } of this.region.agents.values()) {
      for (const { expect, seats, gone } of servers.values()) {
        for (const { sessionId, generation } of seats.values()) {
          const session = sessions.get(sessionId);
          if (gone && session?.state === "migrating") continue;
          seated.set(sessionId, expect.serverId);
          if (session?.serverId !== expect.serverId || session.generation !== generation) {
            this.broken.push(
              `agent of ${expect.serverId} seats ${sessionId} generation ${String(generation)}, the core has ${JSON.stringify(session ?? null)}`,
            );
          }
        }
      }
    }
    for (const session of sessions.values()) {
      if (session.state !== "queued" && session.state !== "migrating" && !seated.has(session.id))
        this.broken.push(`the core seats ${session.id} on ${String(session.serverId)}, its agent does not`);
    }
  }

  private checkReplies(): void {
    const { replies, asked } = this.region;
    for (const requestId of asked)
      if (!replies.has(requestId)) this.broken.push(`request ${String(requestId)} has no reply`);
  }

  /** Whoever was told of a session was told of its end, unless it lives. */
  private checkEnds(): void {
    const live = new Set(this.sessions().map(({ id }) => id));
    const ended = new Set<string>();
    const told = new Set<string>();
    for (const event of this.region.events) {
      if (event.type === "leader.changed") {
        // Waits that only the last leader knew of ended with it.
        for (const id of told) if (!live.has(id)) ended.add(id);
      }
      if (!("sessionId" in event)) continue;
      told.add(event.sessionId);
      if (event.type === "session.ended") {
        ended.add(event.sessionId);
        if (event.reason === "") this.broken.push(`${event.sessionId} ended without a reason`);
      }
    }
    for (const id of told) if (!live.has(id) && !ended.has(id)) this.broken.push(`${id} vanished without a word`);
  }

  private checkSizes(): void {
    for (const { experienceId, state } of this.servers()) {
      if (state === "suspect") this.broken.push(`a server of ${experienceId} is still suspect`);
    }
    const isle = this.servers().filter(({ experienceId }) => experienceId === "isle");
    if (isle.length > 1) this.broken.push(`the world runs ${String(isle.length)} times`);
  }

  /** Nobody is left and a while has passed: nothing may have piled up. */
  checkAtRest(): void {
    const counts = this.region.core.counts();
    if (counts.sessions !== 0)
      this.broken.push(`${String(counts.sessions)} sessions are remembered: ${JSON.stringify(this.sessions())}`);
    if (counts.openRequests !== 0) this.broken.push(`${String(counts.openRequests)} requests are open`);
    if (counts.queued !== 0 || counts.players !== 0)
      this.broken.push(`queued ${String(counts.queued)}, players ${String(counts.players)}`);
    if (counts.servers > REGION_MAX) this.broken.push(`${String(counts.servers)} servers are remembered`);
    if (counts.timers > 60) this.broken.push(`${String(counts.timers)} timers are set`);
    for (const { servers } of this.region.agents.values()) {
      for (const { expect, gone } of servers.values())
        if (gone) this.broken.push(`${expect.serverId} is gone and never forgotten by its agent`);
    }
    for (const { serverId, state } of this.region.engine.list())
      if (state === "exited") this.broken.push(`${serverId} has ended and was never forgotten by the engine`);
  }
}

/** Tickets wherever a reply has them. */
function ticketsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (name === "ticket" && typeof inner === "string") return [inner];
    if (name === "tickets") return Object.values(inner as Record<string, string>);
    return ticketsIn(inner);
  });
}
