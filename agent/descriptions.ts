import type { Clock } from "../protocol/clock";
import { agonesGameServer } from "./agones/agones-game-server";
import type { GameServer } from "./game-server";
import type { GateLinks } from "./gate-links";
import { serverDescription } from "./server-description";

/** A server's streams are told what changed of it at most so often. */
const DESCRIBE_MS = 250;

/** How servers are described to their own streams, and their counts to controllers: what changed in a while, at once. */
export class Descriptions {
  private readonly changed = new Set<GameServer>();
  private cancel: () => void = () => undefined;

  constructor(
    private readonly gates: Pick<GateLinks, "push" | "pushAgones">,
    private readonly clock: Clock,
  ) {}

  /** Something of it may have changed. */
  onChanged(server: GameServer): void {
    if (server.streams + server.watchers === 0 && !server.counts.hasChanged) return;
    if (this.changed.size === 0) this.cancel = this.clock.after(DESCRIBE_MS, () => this.describeChanged());
    this.changed.add(server);
  }

  /** Tells its streams now. */
  describe(server: GameServer): void {
    if (server.gone) return;
    if (server.streams > 0) this.gates.push(server.serverId, "gameserver", serverDescription(server, this.clock.now()));
    if (server.watchers > 0) this.gates.pushAgones(server.serverId, agonesGameServer(server));
  }

  close(): void {
    this.cancel();
  }

  private describeChanged(): void {
    const servers = [...this.changed];
    this.changed.clear();
    for (const server of servers) {
      server.tellCounts();
      this.describe(server);
    }
  }
}
