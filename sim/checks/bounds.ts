import type { World, WorldWatch } from "../world";

const MOST_REQUESTS = 300;
const MOST_TIMERS = 600;
const MOST_EVENTS = 20_000;
/** The longest that any command may wait for its answer: a spawn that waits until it is ready, a queue's deadline. */
const LONGEST_ANSWER_MS = 75_000;

/** P6: everything is bounded: queues, requests, timers, time. */
export class Bounds implements WorldWatch {
  constructor(private readonly world: World) {}

  check(): void {
    const { nowMs } = this.world.schedule;
    if (this.world.schedule.size > MOST_EVENTS)
      this.world.broken("P6", "what is to come is bounded", `${String(this.world.schedule.size)} things are to come`);
    for (const { controllers, settings, players } of this.world.regions) {
      const queue = Object.values(settings.experiences).reduce((sum, { routing }) => sum + routing.queueLimit, 0);
      for (const { core, process, host, open } of controllers) {
        if (!core || !process?.alive) continue;
        const counts = core.counts();
        const bounds: readonly (readonly [string, number, number])[] = [
          ["players in line", counts.queued, queue + players.length],
          ["open requests", counts.openRequests, MOST_REQUESTS],
          ["timers", counts.timers, MOST_TIMERS],
        ];
        for (const [what, is, most] of bounds)
          if (is > most)
            this.world.broken("P6", `${what} are bounded`, `${host} has ${String(is)}, at most ${String(most)}`);
        if (process.stalledUntilMs > nowMs) continue;
        for (const sinceMs of open.values())
          if (nowMs - sinceMs > LONGEST_ANSWER_MS)
            this.world.broken(
              "P6",
              "a call is answered",
              `${host} has not answered for ${String(Math.round(nowMs - sinceMs))} ms`,
            );
      }
    }
  }
}
