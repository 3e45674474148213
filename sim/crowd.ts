import type { MatchAllocation } from "../controller/core/resources";
import type { Random } from "./random";
import type { VirtualRegion } from "./region";

/**
 * What people and programs do in a region: players come alone and in parties, matchmakers ask for whole servers, now and
 * then an operator does something. Everything is drawn from one stream of randomness.
 */
export class Crowd {
  private quiet = false;
  private matches = 0;
  private spawns = 0;

  constructor(
    private readonly region: VirtualRegion,
    private readonly random: Random,
    private readonly slowness: number,
    private readonly onForced: (serverId: string) => void,
  ) {}

  start(): void {
    this.next();
  }

  /** Nobody new comes, a region that is being drained is not any more, and operators rest. */
  rest(): void {
    this.quiet = true;
    this.undrain();
    this.restSizes();
  }

  /** The size at rest: put once more where another, asked for before, was answered after it. */
  restSizes(): void {
    if (!this.quiet) return;
    this.region.client.ask(
      () => ({ type: "putFleet", experienceId: "arena", policy: { minServers: 2, maxServers: 4 } }),
      () => undefined,
    );
  }

  /** An operator does not go home before it is so. */
  undrain(): void {
    this.region.client.ask(
      () => ({ type: "drainRegion", on: false }),
      (result) => {
        if (!result?.ok) this.region.network.schedule.after(1000, undefined, () => this.undrain());
      },
    );
  }

  private next(): void {
    const { schedule } = this.region.network;
    schedule.after(this.slowness * this.random.between(20, 600), undefined, () => {
      if (!this.quiet && !this.region.lost) this.act();
      this.next();
    });
  }

  private act(): void {
    const dice = this.random.next();
    if (dice < 0.62) this.join();
    else if (dice < 0.78) this.party();
    else if (dice < 0.94) this.match();
    else this.operate();
  }

  private join(): void {
    this.away(1)[0]?.play(this.random.chance(0.85) ? "arena" : "duel", []);
  }

  private party(): void {
    const [first, ...rest] = this.away(2 + this.random.int(2));
    if (first && rest.length > 0) first.play(rest.length > 1 || this.random.chance(0.6) ? "arena" : "duel", rest);
  }

  /** @param annotations of the match's server: for one player, and whoever is put beside */
  match(annotations?: Readonly<Record<string, string>>): void {
    const players = this.away(annotations ? 1 : 1 + this.random.int(2));
    if (players.length === 0) return;
    const matchId = `match-${this.region.name}-${String(++this.matches)}`;
    const waiting = players.map((player) => ({ player, turn: player.wait("duel") }));
    const ask = (): void =>
      this.region.client.ask(
        () => ({
          type: "allocateMatch",
          experienceId: "duel",
          matchId,
          players: players.map(({ id }) => ({ playerId: id })),
          ...(annotations ? { annotations } : {}),
        }),
        (result) => {
          const tickets = result?.ok ? (result.value as MatchAllocation).tickets : {};
          for (const { player, turn } of waiting) {
            const ticket = tickets[player.id];
            if (!player.waitsFor(turn)) continue;
            if (ticket) player.given(ticket, "duel");
            else player.giveUp();
          }
        },
      );
    ask();
    // The same request twice has the effect of once.
    if (this.random.chance(0.2)) ask();
  }

  private operate(): void {
    const servers = [...this.region.servers()];
    const target = this.random.pick(servers)?.server;
    const { client } = this.region;
    const dice = this.random.next();
    if (dice < 0.3 && target) {
      const drainSecs = this.random.chance(0.5) ? 0 : 3;
      const { serverId } = target.server;
      client.ask(
        () => ({ type: "terminateServer", serverId, drainSecs, force: false, reason: "the operator's wish" }),
        () => undefined,
        2,
      );
    } else if (dice < 0.4 && target) {
      const { serverId } = target.server;
      this.onForced(serverId);
      client.ask(
        () => ({ type: "terminateServer", serverId, drainSecs: 0, force: true, reason: "the operator's force" }),
        () => undefined,
        2,
      );
    } else if (dice < 0.55) {
      // Named by who asks, so that asking again starts nothing twice.
      const serverId = `gs-${this.region.name}-asked-${String(++this.spawns)}`;
      const waitReady = this.random.chance(0.5);
      client.ask(
        () => ({ type: "spawnServer", serverId, experienceId: "arena", waitReady }),
        () => undefined,
      );
    } else if (dice < 0.7) {
      const minServers = 1 + this.random.int(2);
      client.ask(
        () => ({ type: "putFleet", experienceId: "arena", policy: { minServers, maxServers: 4 } }),
        () => this.restSizes(),
        2,
      );
    } else if (dice < 0.85 && target) {
      this.onForced(target.server.serverId);
      target.askShutdown();
    } else this.drain();
  }

  /** Gives the region's players away for a while. */
  drain(): void {
    const { client, network } = this.region;
    client.ask(
      () => ({ type: "drainRegion", on: true }),
      () => undefined,
      2,
    );
    network.schedule.after(this.random.between(1000, 12_000), undefined, () =>
      client.ask(
        () => ({ type: "drainRegion", on: false }),
        () => undefined,
      ),
    );
  }

  /** So many who do nothing now, or fewer. */
  away(count: number): VirtualRegion["players"] {
    const idle = this.region.players.filter(({ state }) => state === "away");
    const chosen: VirtualRegion["players"] = [];
    for (let i = 0; i < count && idle.length > 0; i++) chosen.push(...idle.splice(this.random.int(idle.length), 1));
    return chosen;
  }
}
