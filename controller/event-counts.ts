import type { Meter, Metric } from "./api/metric";
import { TimeBuckets } from "./api/time-buckets";
import type { ForgeEvent } from "./core/resources";
import { Tally } from "./tally";

const SPAWN_BUCKETS_SECS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300];

interface Ordered {
  readonly atMs: number;
  /** Players join it; a server of a fleet role counts where it fails, and its time does not. */
  readonly primary: boolean;
}

type ServerEvent = Extract<ForgeEvent, { readonly type: `server.${string}` }>;

/**
 * Counts what happened, from the events that are told anyway. Only a leader tells any, so what several controllers of a
 * region have counted adds up.
 *
 *     server.spawned --> ready, allocated   it came up
 *                    --> unhealthy, terminated   it failed
 *                    --> draining, stopping   nobody wanted it any more
 */
export class EventCounts implements Meter {
  /** Servers that are not up yet, ordered while this controller leads. */
  readonly #ordered = new Map<string, Ordered>();
  readonly #spawnSeconds = new Map<string, TimeBuckets>();
  readonly #spawns = new Tally();
  readonly #failed = new Tally();
  readonly #failovers = new Tally();
  readonly #moved = new Tally();
  readonly #lost = new Tally();

  /** Called for every event, those of each seat included: nothing is done for those. */
  count(event: ForgeEvent): void {
    switch (event.type) {
      case "session.moved":
        return this.#moved.add(event.experienceId);
      case "session.lost":
        return this.#lost.add(event.experienceId);
      case "failover":
        if (event.step === "detect") this.#failovers.add(event.experienceId);
        return;
      case "leader.changed":
        // What was ordered before it led last has come up or failed at another leader's.
        return this.#ordered.clear();
      case "server.spawned":
        return this.#onSpawned(event);
      case "server.ready":
      case "server.allocated":
        return this.#onUp(event);
      case "server.unhealthy":
      case "server.terminated":
        if (this.#ordered.delete(event.serverId)) this.#failed.add(event.experienceId);
        return;
      case "server.draining":
      case "server.stopping":
        this.#ordered.delete(event.serverId);
        return;
      default:
    }
  }

  metrics(experiences: readonly string[]): readonly Metric[] {
    const counter = (name: string, help: string, tally: Tally): Metric => {
      return { name: `forge_${name}_total`, help, type: "counter", series: tally.series(experiences) };
    };
    return [
      counter("spawns", "Servers ordered", this.#spawns),
      counter("spawns_failed", "Servers ordered that did not come up", this.#failed),
      {
        name: "forge_spawn_seconds",
        help: "Time from ordering a server to its being ready",
        type: "histogram",
        series: [...new Set([...experiences, ...this.#spawnSeconds.keys()])].flatMap((experience) =>
          this.#spawnTimes(experience).series({ experience }),
        ),
      },
      counter("failovers", "Servers that failed and whose players, if any, are found another place", this.#failovers),
      counter("players_moved", "Players who were given a seat on another server, for whatever reason", this.#moved),
      counter("players_lost", "Players who lost their seat and were found no other", this.#lost),
    ];
  }

  #onSpawned({ serverId, experienceId, at, detail }: ServerEvent): void {
    this.#spawns.add(experienceId);
    this.#ordered.set(serverId, { atMs: Date.parse(at), primary: detail?.["role"] === "server" });
  }

  #onUp({ serverId, experienceId, at }: ServerEvent): void {
    const ordered = this.#ordered.get(serverId);
    if (!ordered) return;
    this.#ordered.delete(serverId);
    if (ordered.primary) this.#spawnTimes(experienceId).add((Date.parse(at) - ordered.atMs) / 1000);
  }

  #spawnTimes(experience: string): TimeBuckets {
    let times = this.#spawnSeconds.get(experience);
    if (!times) this.#spawnSeconds.set(experience, (times = new TimeBuckets(SPAWN_BUCKETS_SECS)));
    return times;
  }
}
