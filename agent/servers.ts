import type { ExpectedServer } from "../protocol/messages";
import { GameServer } from "./game-server";
import { allocationKey, unknownRecord, type JournalEntry } from "./journal/journal-entry";
import { startedOf } from "./server-processes";
import type { ServerSurroundings } from "./server-surroundings";

export interface ServersHandlers {
  /** A server is to be watched from now on; called again when its processes or ports have changed. */
  onExpected(server: GameServer): void;
  onForgotten(server: GameServer): void;
}

/**
 * Every server of the node that is not yet forgotten. One id may be there more than once, in different allocations: the
 * last that was expected is the current one, and only it can be alive.
 */
export class Servers {
  private readonly byKey = new Map<string, GameServer>();
  private readonly byId = new Map<string, GameServer>();

  constructor(
    private readonly around: ServerSurroundings,
    private readonly handlers: ServersHandlers,
  ) {}

  find(serverId: string, allocationId: string): GameServer | undefined {
    return this.byKey.get(allocationKey(serverId, allocationId));
  }

  current(serverId: string): GameServer | undefined {
    return this.byId.get(serverId);
  }

  all(): Iterable<GameServer> {
    return this.byKey.values();
  }

  /** Takes a server on, or what is new of one that is known. */
  expect(expected: ExpectedServer): void {
    const known = this.find(expected.serverId, expected.allocationId);
    if (known) return this.again(known, expected);
    const before = this.byId.get(expected.serverId);
    const server = this.add(expected, this.around.clock.now(), startedOf(expected.pids, this.around.processStarted));
    this.around.ledger.recordOr(server.expectation(), () => this.remove(server, before));
    before?.end(`allocation ${expected.allocationId} has taken its place`);
    this.around.ledger.then(() => this.handlers.onExpected(server));
  }

  /** The server has ended and its seats are settled. */
  forget(server: GameServer): void {
    const { serverId, allocationId } = server;
    this.around.ledger.recordOr({ kind: "forget", serverId, allocationId }, () => this.putBack(server));
    this.remove(server, undefined);
    this.around.ledger.then(() => this.handlers.onForgotten(server));
  }

  /** Applies one entry of the journal, as it was when it was written. Nothing is recorded or told. */
  replay(entry: Exclude<JournalEntry, { kind: "epoch" }>): void {
    if (entry.kind === "expect") {
      const known = this.find(entry.server.serverId, entry.server.allocationId);
      if (known) known.become(entry.server, entry.started);
      else this.add(entry.server, entry.atMs, entry.started);
      return;
    }
    const server = this.find(entry.serverId, entry.allocationId);
    if (!server) return;
    switch (entry.kind) {
      case "seats":
        return server.book.state.apply(entry.record);
      case "forget":
        return this.remove(server, undefined);
      case "labels":
        server.labels = entry.labels;
        server.annotations = entry.annotations;
        return;
      case "counts":
        return server.counts.replay(entry.record);
      default:
        throw unknownRecord(entry);
    }
  }

  private again(server: GameServer, told: ExpectedServer): void {
    const before = server.expectation();
    // Labels and counts that were changed since are no reason to begin anew.
    const { labels, annotations, counters, lists, tracked } = before.server;
    const expected = { ...told, labels, annotations, counters, lists, tracked };
    if (JSON.stringify(before.server) === JSON.stringify(expected)) return;
    server.become(expected, startedOf(expected.pids, this.around.processStarted));
    this.around.ledger.recordOr(server.expectation(), () => server.become(before.server, before.started));
    if (!server.gone) this.around.ledger.then(() => this.handlers.onExpected(server));
  }

  private add(expected: ExpectedServer, atMs: number, started: Readonly<Record<string, string>>): GameServer {
    const server = new GameServer(expected, atMs, started, this.around);
    this.put(server);
    return server;
  }

  private put(server: GameServer): void {
    this.byKey.set(allocationKey(server.serverId, server.allocationId), server);
    this.byId.set(server.serverId, server);
  }

  private putBack(server: GameServer): void {
    this.byKey.set(allocationKey(server.serverId, server.allocationId), server);
    if (!this.byId.has(server.serverId)) this.byId.set(server.serverId, server);
  }

  private remove(server: GameServer, before: GameServer | undefined): void {
    this.byKey.delete(allocationKey(server.serverId, server.allocationId));
    if (this.byId.get(server.serverId) !== server) return;
    if (before) this.byId.set(server.serverId, before);
    else this.byId.delete(server.serverId);
  }
}
