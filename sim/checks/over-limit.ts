import type { World, WorldWatch } from "../world";

/** How long somebody may still be on a server whose seat has gone: it is on its way to be told. */
const ON_THE_WAY_OUT_MS = 15_000;

/** P1: never two admitted players in one seat, nor a server over its limit by what Forge grants. */
export class OverLimit implements WorldWatch {
  private readonly seatless = new Map<string, number>();

  constructor(private readonly world: World) {}

  check(): void {
    const { nowMs } = this.world.schedule;
    const seats = new Map<string, string>();
    for (const region of this.world.regions) {
      for (const { node, server } of region.servers()) {
        const { serverId, allocationId } = server.server;
        const truth = node.truth.find(serverId, allocationId);
        if (!truth) continue;
        const max = truth.expect.maxPlayers;
        if (truth.seats.size > max)
          this.world.broken(
            "P1",
            "no server over its limit",
            `${serverId} has ${String(truth.seats.size)} seats of ${String(max)} in the journal of ${node.nodeId}: ${[...truth.seats.keys()].join(", ")}`,
          );
        let seated = 0;
        for (const [playerId, { sessionId, generation }] of server.inside) {
          const seat = truth.seats.get(sessionId);
          const place = `${sessionId} generation ${String(generation)}`;
          const other = seats.get(place);
          if (other !== undefined)
            this.world.broken(
              "P1",
              "one player in one seat",
              `${place} is taken by ${other} and by ${playerId} on ${serverId}`,
            );
          seats.set(place, `${playerId} on ${serverId}`);
          if (seat?.playerId === playerId) {
            seated += 1;
            this.seatless.delete(`${serverId} ${playerId}`);
          } else this.withoutSeat(`${serverId} ${playerId}`, nowMs, node.distrusted || server.hangs || !node.agent);
        }
        if (seated > max)
          this.world.broken(
            "P1",
            "no server over its limit",
            `${String(seated)} players of ${String(max)} are on ${serverId}`,
          );
      }
    }
  }

  private withoutSeat(who: string, nowMs: number, excused: boolean): void {
    const since = this.seatless.get(who);
    if (since === undefined || excused) this.seatless.set(who, nowMs);
    else if (nowMs - since > ON_THE_WAY_OUT_MS)
      this.world.broken(
        "P1",
        "nobody without a seat",
        `${who} is on without a seat for ${String(Math.round(nowMs - since))} ms`,
      );
  }
}
