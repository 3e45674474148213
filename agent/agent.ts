import type { GateCall } from "../protocol/gate-messages";
import type { AgentAbility, AgentEvent, Hello, Snapshot } from "../protocol/messages";
import type { DialledLine } from "../protocol/socket-dialler";
import { PROTOCOL_OLDEST, PROTOCOL_VERSION } from "../protocol/versions";
import type { AgentDeps } from "./agent-deps";
import { carriedStates } from "./carried-states";
import { ControllerLinks, type ControllerChannel } from "./controller-links";
import { Descriptions } from "./descriptions";
import type { GameServer } from "./game-server";
import { GateLinks, SDK_PORT, type GateChannel } from "./gate-links";
import { openJournal, type Journal } from "./journal/journal";
import type { JournalEntry } from "./journal/journal-entry";
import type { JournalPart } from "./journal/rewriting";
import { Ledger } from "./ledger";
import { ProbeSet } from "./probe-set";
import { Requests } from "./requests";
import { agonesCall, isAgonesCall } from "./agones/agones-calls";
import { sdkCall } from "./sdk-calls";
import { sdkProblem } from "./sdk-problem";
import { Servers } from "./servers";

const TICK_MS = 1000;
/** Between slices of the journal that is written anew, where nothing else writes to it. */
const SLICE_EVERY_MS = 1;

/**
 * The node's agent: it owns the seats of every server on its node, watches the servers and tells controllers. It may be
 * restarted at any time: what it promised is in its journal, the sockets of its servers are the gate's.
 */
export class Agent {
  private readonly ledger: Ledger;
  private readonly servers: Servers;
  private readonly requests: Requests;
  private readonly probes: ProbeSet;
  private readonly controllers: ControllerLinks;
  private readonly gates: GateLinks;
  private readonly descriptions: Descriptions;
  private cancelTick: () => void = () => undefined;
  private closing: Promise<void> | undefined;

  /**
   * Reads the journal and goes on where it ends. Nothing can be asked of an agent before this resolves.
   * @throws {FolderLocked} where another agent uses the folder
   * @throws {JournalUnreadable} where the journal is damaged
   * @throws {Error} where a newer agent wrote it
   */
  static async start(deps: AgentDeps): Promise<Agent> {
    const { journalDir, disk, lockFolder: lock, journalLimits } = deps;
    const { journal, entries, tornBytes } = await openJournal(journalDir, disk, lock, journalLimits);
    const agent = new Agent(deps, journal);
    try {
      for (const entry of entries) agent.replay(entry);
    } catch (error) {
      await journal.close();
      throw error;
    }
    deps.log.info({ entries: entries.length, tornBytes, epoch: agent.requests.epoch }, "journal read");
    agent.resume();
    return agent;
  }

  private constructor(
    private readonly deps: AgentDeps,
    private readonly journal: Journal,
  ) {
    const { clock, log, soon = setImmediate } = deps;
    const later = (run: () => void): void => void clock.after(SLICE_EVERY_MS, run);
    this.ledger = new Ledger(journal, () => this.parts(), log, soon, later);
    this.probes = new ProbeSet(deps.startProbes, clock, log);
    this.controllers = new ControllerLinks(
      {
        hello: () => this.hello(),
        snapshot: () => this.snapshot(),
        saved: (serverIds) => this.saved(serverIds),
        onRequest: (request, from) => this.requests.handle(request, from),
      },
      clock,
      log,
    );
    this.gates = new GateLinks(
      {
        server: (serverId) => this.alive(serverId),
        servers: () => this.withSdk(),
        onCall: (call, name, answer) => this.onCall(call, name, answer),
        onStreams: (server, streams, ended) => this.onStreams(server, streams, ended),
        onWatchers: (server, watchers) => this.onWatchers(server, watchers),
        onOpenFailed: (server, detail) => server.health({ healthy: false, reason: detail }),
        onHeld: (server) => server.heartbeat?.excuse(deps.clock.now()),
      },
      clock,
      log,
    );
    this.descriptions = new Descriptions(this.gates, clock);
    this.servers = new Servers(
      {
        clock,
        ledger: this.ledger,
        log,
        ticketSecrets: () => this.ticketSecrets(),
        processStarted: deps.processStarted,
        emit: (event) => this.controllers.emit(event),
        push: (server, event, data) => this.gates.push(server.serverId, event, data),
        onChanged: (server) => this.onChanged(server),
        onProcesses: (server) => {
          if (server.expect.ports[SDK_PORT] !== undefined) this.gates.open(server);
        },
        onGone: (server) => this.stopWatching(server),
      },
      { onExpected: (server) => this.watch(server), onForgotten: (server) => this.stopWatching(server) },
    );
    this.requests = new Requests({
      clock,
      ledger: this.ledger,
      servers: this.servers,
      handshakes: deps.handshakes,
      log,
    });
  }

  /** Takes a new stream to a controller replica; there may be several, and a lost one is dialled again by its dialler. */
  attachController(channel: ControllerChannel, line?: DialledLine): void {
    if (this.closing) channel.close("the agent is closing");
    else this.controllers.attach(channel, line);
  }

  /** Takes a new stream to a gate. */
  attachGate(channel: GateChannel): void {
    if (this.closing) channel.close("the agent is closing");
    else this.gates.attach(channel);
  }

  /** Tickets are sealed with keys of the new secret from now on, and those of the one before are taken while it is named. */
  ticketSecretChanged(): void {
    for (const server of this.servers.all()) server.rekey();
  }

  /** Stops probes and streams and gives the journal's folder free. Seats stay in the journal, servers go on. */
  close(): Promise<void> {
    return (this.closing ??= this.shutDown());
  }

  private async shutDown(): Promise<void> {
    this.cancelTick();
    this.descriptions.close();
    this.ledger.flush();
    this.controllers.closeAll("the agent is closing");
    this.gates.closeAll("the agent is closing");
    await this.probes.stopAll();
    await this.journal.close();
  }

  private ticketSecrets(): readonly [string, ...string[]] {
    const { ticketSecret } = this.deps;
    return typeof ticketSecret === "string" ? [ticketSecret] : ticketSecret();
  }

  private replay(entry: JournalEntry): void {
    if (entry.kind === "epoch") this.requests.replay(entry);
    else this.servers.replay(entry);
  }

  private resume(): void {
    const now = this.deps.clock.now();
    for (const server of this.servers.all()) {
      if (server.gone) continue;
      this.deps.observer?.changed(server);
      const ended = server.processes.ended(this.deps.processStarted);
      if (ended !== undefined) server.end(`its process ${ended} ended while the agent was away`);
      else this.probes.start(server);
      const { ready, healthy } = server.book.state;
      if (ready || server.expect.sdk === "agones") server.heartbeat?.resume(now, healthy);
    }
    this.tick();
  }

  /** @param dueMs when it should have come */
  private tick(dueMs = this.deps.clock.now()): void {
    const now = this.deps.clock.now();
    this.gates.tick(now - dueMs);
    for (const server of this.servers.all()) {
      server.heartbeat?.heldUp(now - dueMs, now);
      this.hearGate(server, now);
      server.tick();
    }
    this.cancelTick = this.deps.clock.after(TICK_MS, () => this.tick(now + TICK_MS));
  }

  /** No silence counts that may be the gate's: one that is about to count it is asked about, which answers before the next look. */
  private hearGate({ serverId, heartbeat }: GameServer, now: number): void {
    if (!heartbeat) return;
    if (!this.gates.hears(serverId)) heartbeat.excuse(now);
    heartbeat.heardUntil(this.gates.heardMs(serverId));
    if (heartbeat.isDueBy(now + TICK_MS)) this.gates.ask(serverId);
  }

  private hello(): Hello {
    const { nodeId, region, bootId, agentVersion, node } = this.deps;
    const protocol = { oldest: PROTOCOL_OLDEST, newest: PROTOCOL_VERSION };
    const can: readonly AgentAbility[] = this.deps.handshakes ? ["reach", "openDraining"] : ["openDraining"];
    return { type: "hello", protocol, nodeId, region, bootId, agentVersion, epoch: this.requests.epoch, node, can };
  }

  private snapshot(): Snapshot {
    this.ledger.flush();
    return {
      type: "snapshot",
      epoch: this.requests.epoch,
      servers: [...this.servers.all()].map((server) => server.report()),
      saved: [],
      drain: this.requests.drain,
    };
  }

  private saved(serverIds?: ReadonlySet<string>): readonly AgentEvent[] {
    const servers = [...this.servers.all()].filter(({ serverId }) => serverIds?.has(serverId) ?? true);
    return servers.flatMap((server) =>
      [...carriedStates(server)].map((state): AgentEvent => {
        const { serverId, allocationId } = server;
        return { kind: "saved", serverId, allocationId, atMs: state.atMs, state };
      }),
    );
  }

  private *parts(): Iterable<JournalPart> {
    yield [this.requests.epochEntry()];
    for (const server of this.servers.all()) yield [...server.entries()];
  }

  private alive(serverId: string): GameServer | undefined {
    const server = this.servers.current(serverId);
    return server?.gone === false ? server : undefined;
  }

  private *withSdk(): Iterable<GameServer> {
    for (const server of this.servers.all()) {
      if (this.alive(server.serverId) === server && server.expect.ports[SDK_PORT] !== undefined) yield server;
    }
  }

  private watch(server: GameServer): void {
    if (server.gone || this.closing) return;
    this.deps.observer?.changed(server);
    if (server.expect.ports[SDK_PORT] !== undefined) this.gates.open(server);
    this.probes.start(server);
  }

  private stopWatching(server: GameServer): void {
    this.probes.stop(server);
    const current = this.servers.current(server.serverId);
    if (current && current !== server) return;
    this.gates.close(server.serverId);
    this.deps.observer?.gone(server.serverId);
  }

  private onCall(call: GateCall, name: string | undefined, answer: (status: number, body: unknown) => void): void {
    const server = this.servers.current(call.serverId);
    const reply = ({ status, body }: { readonly status: number; readonly body: unknown }): void => answer(status, body);
    if (!server)
      return reply(sdkProblem("unknownServer", `server ${call.serverId} was forgotten, or was never expected here`));
    const { gone } = server.book.state;
    if (gone) return reply(sdkProblem("serverGone", `server ${call.serverId} was given up: ${gone.reason}`));
    const context = { nowMs: this.deps.clock.now(), ticketSecrets: this.ticketSecrets(), name };
    const result = isAgonesCall(call) ? agonesCall(server, call, context) : sdkCall(server, call, context);
    this.ledger.then(
      () => reply(result),
      (error) => reply(sdkProblem("journal", error.message)),
    );
  }

  private onStreams(server: GameServer, streams: number, ended: boolean): void {
    server.streams = streams;
    if (!ended) this.descriptions.describe(server);
    else if (!server.stopping && !server.book.state.closed) server.end("its SDK stream ended");
  }

  /** Whoever watches may go: Agones' clients close streams as they like, and only the process's end is the server's. */
  private onWatchers(server: GameServer, watchers: number): void {
    const more = watchers > server.watchers;
    server.watchers = watchers;
    if (more) this.descriptions.describe(server);
  }

  private onChanged(server: GameServer): void {
    this.deps.observer?.changed(server);
    server.changedAtMs = this.deps.clock.now();
    this.descriptions.onChanged(server);
  }
}
