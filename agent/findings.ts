import type { Clock } from "../protocol/clock";
import type { Finding } from "./finding";
import type { GameServer } from "./game-server";

/** What a probe found out, turned into what is known of the server. */
export function take(server: GameServer, finding: Finding, clock: Clock): void {
  if (server.gone) return;
  const { book } = server;
  switch (finding.kind) {
    case "ready":
      // From a probe it is a state, not a word: only the first means something.
      if (!book.state.ready) server.ready(false);
      return;
    case "healthy":
      return server.health({ healthy: true, reason: "its probe succeeds" });
    case "unhealthy":
      return server.health({ healthy: false, reason: finding.reason });
    case "players": {
      const { count, names } = finding;
      // Some query protocols tell a number and no names, or fewer names than players.
      const seen = names.length === count ? { names } : { count };
      server.seats.observed(book.observe(seen, clock.now()));
      return;
    }
    case "playerJoined":
      return server.seats.observed(book.observeLine("joined", finding.player, clock.now()));
    case "playerLeft":
      return server.seats.observed(book.observeLine("left", finding.player, clock.now()));
    case "metrics":
      return server.measured({ responseMs: finding.responseMs, errorRate: finding.errorRate });
    case "usage":
      return server.measured({ cpu: finding.cpu, memoryBytes: finding.memoryBytes, throttled: finding.throttled });
    case "disk":
      return server.measured({ disk: { used: finding.used, folder: finding.folder } });
    case "processes":
      return server.foundProcesses(finding.pids);
    case "exited":
      return server.end(finding.reason);
  }
}
