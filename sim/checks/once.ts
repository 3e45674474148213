import type { Player } from "../player";
import type { World, WorldWatch } from "../world";
import { LEASE_SECS } from "../settings";

/** How long after its end a lease may still be there: the agent looks once a second, and may be busy. */
const SWEEP_MS = 4000;
/** Two matches of one id may stand so long beside each other: until the leader has found the one that nobody was told of. */
const DOUBT_MS = LEASE_SECS * 1000 + 40_000;

/** P4: the same request twice has the effect of once; a second reservation lives at most one lease. */
export class Once implements WorldWatch {
  private readonly late = new Map<string, number>();
  private readonly twice = new Map<string, number>();

  /** By queue ticket: who waits with it. */
  private readonly waiting = new Map<string, string>();

  /** By match: who has ever played it, or was to. */
  private readonly playing = new Map<string, Set<string>>();

  constructor(private readonly world: World) {
    for (const { nodes } of world.regions)
      for (const { nodeId, truth } of nodes)
        truth.onPlays = (server, matchId, players, begun) =>
          this.plays(`${server.expect.serverId} on ${nodeId}`, matchId, players, begun);
  }

  /** A match may be begun anew, where its server was lost or nobody heard of it; not by those who were put into it since. */
  private plays(where: string, matchId: string, players: readonly string[], begun: boolean): void {
    const before = this.playing.get(matchId);
    if (begun && before && players.length > 0 && !players.some((player) => before.has(player)))
      this.world.broken(
        "P4",
        "a match is begun by its own",
        `${matchId} was begun by ${players.join(", ")} on ${where}`,
      );
    this.playing.set(matchId, new Set([...(before ?? []), ...players]));
  }

  queued({ id }: Player, queueTicket: string): void {
    const other = this.waiting.get(queueTicket);
    if (other !== undefined && other !== id)
      this.world.broken("P4", "a queue ticket is one player's", `${queueTicket} was given to ${other} and to ${id}`);
    this.waiting.set(queueTicket, id);
  }

  check(): void {
    const { nowMs } = this.world.schedule;
    for (const region of this.world.regions) {
      const places = new Map<string, string>();
      const matches = new Map<string, string>();
      for (const { node, server } of region.servers()) {
        const { serverId, allocationId, experienceId } = server.server;
        const before = places.get(serverId);
        if (before !== undefined)
          this.world.broken("P4", "a server runs once", `${serverId} runs on ${before} and on ${node.nodeId}`);
        places.set(serverId, node.nodeId);
        const truth = node.truth.find(serverId, allocationId);
        if (!truth || truth.gone !== undefined) continue;
        const agentMs = node.agent && node.agentProcess?.alive ? nowMs + node.skewMs : undefined;
        for (const seat of truth.seats.values()) {
          const over = seat.leaseExpiresAtMs !== undefined && (agentMs ?? -Infinity) > seat.leaseExpiresAtMs;
          const busy = node.disk.full || (node.agentProcess?.stalledUntilMs ?? 0) > nowMs - SWEEP_MS;
          this.lasting(this.late, `${seat.sessionId} on ${serverId}`, over && !busy, SWEEP_MS, (evidence) =>
            this.world.broken("P4", "a lease ends", `${evidence} after its lease was over`),
          );
        }
        const { matchId } = truth;
        if (matchId === undefined || truth.closed || node.distrusted) continue;
        const other = matches.get(`${experienceId} ${matchId}`);
        matches.set(`${experienceId} ${matchId}`, serverId);
        this.lasting(this.twice, `${matchId} ${other ?? ""} ${serverId}`, other !== undefined, DOUBT_MS, (evidence) =>
          this.world.broken("P4", "a match is once", `match ${evidence}: on both`),
        );
      }
    }
  }

  /** Calls `broken` where it is so for longer than allowed. */
  private lasting(
    since: Map<string, number>,
    what: string,
    so: boolean,
    allowedMs: number,
    broken: (evidence: string) => void,
  ): void {
    const { nowMs } = this.world.schedule;
    if (!so) {
      since.delete(what);
      return;
    }
    const began = since.get(what);
    if (began === undefined) since.set(what, nowMs);
    else if (nowMs - began > allowedMs) broken(`${what}, for ${String(Math.round(nowMs - began))} ms`);
  }
}
