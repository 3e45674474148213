import type { ExpectedServer, SavedState, ServerNotice, ServerReport, ServerStats } from "../protocol/messages";
import { LAST_ALLOCATED } from "./agones/agones-labels";
import { CountBook } from "./counts/count-book";
import { countsReport, hasCounts, initialCounts } from "./counts/counts-report";
import { heartbeatOf, type Heartbeat, type Pulse } from "./heartbeat";
import type { JournalEntry } from "./journal/journal-entry";
import { SavedStates } from "./saved-states";
import { SeatBook } from "./seats/seat-book";
import type { SeatRecord } from "./seats/seat-record";
import { ServerMeasures } from "./server-measures";
import { ServerProcesses } from "./server-processes";
import { ServerSeats } from "./server-seats";
import type { ServerEvent, ServerSurroundings } from "./server-surroundings";
import { keysOf, merged, seatReport } from "./server-values";

/** One server as its agent knows it. Whatever it changes is journaled first and told after. */
export class GameServer {
  readonly book: SeatBook;
  readonly seats: ServerSeats;
  readonly processes: ServerProcesses;
  readonly measures = new ServerMeasures();
  /** The one that tickets are sealed with first, then those that are still taken. */
  ticketKeys: readonly [string, ...string[]];
  readonly heartbeat: Heartbeat | undefined;
  readonly saved: SavedStates;
  readonly counts: CountBook;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** Open SDK streams. */
  streams = 0;
  /** Who watches it by Agones' SDK. */
  watchers = 0;
  changedAtMs: number;
  /** Its stop was asked for, by a controller or by itself: the end of its streams is then no failure. */
  stopping = false;
  draining = false;
  /** Changes that the journal did not take; they are facts, so they are tried again. */
  private unwritten: (() => void)[] = [];
  private toldGone = false;
  private toldLate = false;

  constructor(
    public expect: ExpectedServer,
    readonly expectedAtMs: number,
    /** By task: which processes it was seen to have. */
    started: Readonly<Record<string, string>>,
    private readonly around: ServerSurroundings,
  ) {
    const { serverId, allocationId, health } = expect;
    this.book = new SeatBook(expect, (record) => around.ledger.record(this.entry(record), this.book.state));
    this.seats = new ServerSeats(this.book, around.clock, {
      tell: (event) => this.tell(event),
      onChanged: () => around.onChanged(this),
      onClaimed: () => this.noteAllocated(),
      // Where they are moved to, the leader's copy goes with them.
      onPlayerLeft: (playerId) => this.saved.drop(playerId),
    });
    this.ticketKeys = keysOf(around.ticketSecrets(), serverId, allocationId);
    this.heartbeat = heartbeatOf(health, expectedAtMs);
    this.changedAtMs = expectedAtMs;
    this.saved = new SavedStates(serverId);
    this.counts = new CountBook(
      initialCounts(expect),
      (record, takeBack) => around.ledger.recordOr({ kind: "counts", serverId, allocationId, record }, takeBack),
      () => around.onChanged(this),
    );
    this.labels = expect.labels ?? {};
    this.annotations = expect.annotations ?? {};
    this.processes = new ServerProcesses(expect.pids, started);
  }

  get serverId(): string {
    return this.expect.serverId;
  }

  get allocationId(): string {
    return this.expect.allocationId;
  }

  /** The secret behind tickets has changed: its streams hear of the key. */
  rekey(): void {
    this.ticketKeys = keysOf(this.around.ticketSecrets(), this.serverId, this.allocationId);
    this.around.onChanged(this);
  }

  get gone(): boolean {
    return this.book.state.gone !== undefined;
  }

  /** Joined players and walk-ins; of a server that reports no joins, everybody it was given. */
  get players(): number {
    const { seats, walkIns } = this.book.state;
    // A server on Agones' SDK may say itself who is on; whoever was given to it need not have come.
    if (this.expect.seats === "match") return Math.max(seats.size, this.counts.players.values.length);
    let joined = 0;
    for (const seat of seats.values()) if (seat.joinedAtMs !== undefined) joined += 1;
    return joined + walkIns.count;
  }

  /** The server, or a probe for it, says that players can come; said again by the server it ends the match. */
  ready(repeated: boolean): void {
    const first = this.seats.ready(repeated);
    if (!first || this.book.state.healthy) return;
    if (this.toldLate) this.health({ healthy: true, reason: "ready at last" });
    // What was said of a server that was still starting was not acted on.
    else this.tell({ kind: "health", healthy: false, reason: this.book.state.healthReason });
  }

  /** By its own word (Agones' `Allocate`): nobody's to give until it says Ready. */
  selfAllocate(): void {
    if (this.book.state.selfAllocated) return;
    this.book.note({ kind: "selfAllocated" });
    this.noteAllocated();
    this.tell({ kind: "selfAllocated" });
  }

  /** It wants to end: its end is then no failure. */
  askForShutdown(): void {
    this.stopping = true;
    this.tell({ kind: "shutdownAsked" });
  }

  /** @param untilMs undefined: until it says that it is ready */
  reserve(untilMs: number | undefined): void {
    this.book.note({ kind: "reserved", untilMs });
    this.tell({ kind: "reserved", untilMs });
  }

  health({ healthy, reason }: Pulse): void {
    if (this.gone || this.book.state.healthy === healthy) return;
    this.book.note({ kind: "health", healthy, reason });
    this.around.onChanged(this);
    const tell = (): void => this.emit({ kind: "health", healthy, reason });
    this.around.ledger.then(tell, () => this.unwritten.push(() => this.health({ healthy, reason })));
  }

  /** The process has ended, or cannot be reached by anyone any more. Told even where it cannot be written. */
  end(reason: string): void {
    if (this.gone) return;
    const atMs = this.around.clock.now();
    this.book.note({ kind: "gone", reason, atMs });
    const tell = (): void => {
      if (this.toldGone) return;
      this.toldGone = true;
      this.emit({ kind: "gone", reason });
      this.around.onGone(this);
    };
    this.around.ledger.then(tell, () => {
      tell();
      this.unwritten.push(() => this.end(reason));
    });
  }

  relabel(labels: Readonly<Record<string, string | null>>, annotations: Readonly<Record<string, string | null>>): void {
    const before = { labels: this.labels, annotations: this.annotations };
    this.labels = merged(this.labels, labels);
    this.annotations = merged(this.annotations, annotations);
    const after = { labels: this.labels, annotations: this.annotations };
    const { serverId, allocationId } = this;
    this.around.ledger.recordOr({ kind: "labels", serverId, allocationId, ...after }, () =>
      Object.assign(this, before),
    );
    this.tell({ kind: "labels", ...after });
  }

  notice(notice: ServerNotice): void {
    const { kind, ...data } = notice;
    if (kind === "stopping") this.stopping = true;
    if (notice.kind === "draining") {
      this.draining = true;
      const { deadlineMs: at, reason } = notice;
      this.around.push(this, kind, { ...(at !== undefined && { deadline: new Date(at).toISOString() }), reason });
    } else this.around.push(this, kind, data);
  }

  measured(stats: Partial<Omit<ServerStats, "atMs">>): void {
    this.measures.add(stats, this.around.clock.now());
  }

  /** @param takenAtMs where the server says it: a state may have waited on its way here */
  save(playerId: string | undefined, data: string, takenAtMs = Infinity): void {
    this.tellState(this.saved.save(playerId, data, Math.min(takenAtMs, this.around.clock.now())));
  }

  tellState(state: SavedState): void {
    this.emit({ kind: "saved", state });
  }

  /** What of the counts controllers have not heard yet. */
  tellCounts(): void {
    const changed = this.counts.takeChanged();
    if (changed) this.emit({ kind: "counts", ...changed });
  }

  /** Each second: what comes with time alone. */
  tick(): void {
    for (const again of this.unwritten.splice(0)) again();
    if (!this.gone) this.passTime(this.around.clock.now());
    const stats = this.measures.takeChanged(this.players);
    if (stats) this.emit({ kind: "stats", stats });
  }

  /** Tells controllers once what was recorded before is in the journal, and nobody if it could not be. */
  tell(event: ServerEvent): void {
    this.around.onChanged(this);
    this.around.ledger.then(() => this.emit(event));
  }

  report(): ServerReport {
    const { serverId, allocationId, expect, labels, annotations } = this;
    const { stats } = this.measures;
    const { ready, reserved, selfAllocated, healthy, closed, claim, gone, walkIns, seats } = this.book.state;
    return {
      serverId,
      allocationId,
      expect,
      ready,
      reserved: reserved !== undefined,
      ...(selfAllocated ? { selfAllocated } : {}),
      healthy,
      closed,
      claim: claim && { matchId: claim.matchId, sessionIds: claim.sessionIds },
      seats: [...seats.values()].map(seatReport),
      walkIns: walkIns.count,
      gone,
      stats,
      labels,
      annotations,
      ...countsReport(this.counts.counts),
    };
  }

  foundProcesses(pids: Readonly<Record<string, number>>): void {
    this.processes.pids = pids;
    this.around.onProcesses(this);
  }

  /** Told again with other processes, ports or rules. */
  become(expect: ExpectedServer, started: Readonly<Record<string, string>>): void {
    this.expect = expect;
    this.processes.become(expect.pids, started);
    this.book.become(expect);
  }

  /** What the journal keeps of its being expected. */
  expectation(): Extract<JournalEntry, { kind: "expect" }> {
    return { kind: "expect", atMs: this.expectedAtMs, server: this.expect, started: this.processes.started };
  }

  /** All that a journal needs to bring it back. */
  *entries(): Iterable<JournalEntry> {
    const { serverId, allocationId, labels, annotations } = this;
    yield this.expectation();
    yield this.entry({ kind: "state", state: this.book.state.toData() });
    yield { kind: "labels", serverId, allocationId, labels, annotations };
    const { counts } = this.counts;
    // An agent of the version before reads this journal as long as nothing was counted.
    if (hasCounts(counts)) yield { kind: "counts", serverId, allocationId, record: this.counts.all };
  }

  private passTime(now: number): void {
    this.seats.expire();
    const { ready, reserved, selfAllocated } = this.book.state;
    // Under Agones that is a Ready like any other, also for a match that was on.
    if (reserved?.untilMs !== undefined && now >= reserved.untilMs) this.ready(this.expect.sdk !== "agones");
    const pulse = this.heartbeat?.check(now);
    if (pulse) this.health(pulse);
    const silent = !ready && !reserved && !selfAllocated;
    if (silent && !this.toldLate && now - this.expectedAtMs >= this.expect.readyTimeoutMs) {
      this.toldLate = true;
      this.health({ healthy: false, reason: `not ready within ${this.expect.readyTimeoutMs / 1000} s` });
    }
  }

  private noteAllocated(): void {
    if (this.expect.sdk !== "agones") return;
    this.relabel({}, { [LAST_ALLOCATED]: new Date(this.around.clock.now()).toISOString() });
  }

  private emit(event: ServerEvent): void {
    const { serverId, allocationId } = this;
    this.around.emit({ serverId, allocationId, atMs: this.around.clock.now(), ...event });
  }

  private entry(record: SeatRecord): JournalEntry {
    return { kind: "seats", serverId: this.serverId, allocationId: this.allocationId, record };
  }
}
