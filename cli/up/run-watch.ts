import type { ForgeEvent, Fleet, Region, Server } from "../../controller/core/resources";
import type { ForgeApi } from "../api";
import { EventFeed, type FedEvent } from "../event-feed";

/** Told of what happens in a run, in each region's order. */
export type EventListener = (id: string, event: ForgeEvent) => void;

/** How many event ids are remembered, to tell an event once where it is read twice. */
const REMEMBERED = 20_000;
const ALL = 10_000;

/** A look at a run as its API shows it now. */
export interface RunLook {
  readonly regions: readonly Region[];
  readonly fleets: readonly Fleet[];
  readonly servers: readonly Server[];
}

/**
 * Follows every region of a run from its first event on, over the same HTTP API as everybody. A controller that comes
 * back with a new epoch is read from its first event, so that nothing it did meanwhile is missed.
 */
export class RunWatch {
  private readonly seen = new Set<string>();
  private readonly stopping = new AbortController();
  private following: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly api: ForgeApi,
    private readonly regions: readonly string[],
    private readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>,
    private readonly listener: EventListener,
  ) {}

  follow(): void {
    this.following = Promise.allSettled(this.regions.map((region) => this.followRegion(region)));
  }

  async look(): Promise<RunLook> {
    const [regions, fleets, servers] = await Promise.all([
      this.api.get<{ readonly items: readonly Region[] }>("/v1/regions"),
      this.api.list<Fleet>("/v1/fleets"),
      this.api.list<Server>("/v1/servers"),
    ]);
    return {
      regions: regions.items,
      fleets: fleets.items,
      servers: servers.items.filter(({ state }) => state !== "terminated"),
    };
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.following;
  }

  private async followRegion(region: string): Promise<void> {
    await new EventFeed(this.api, { region, filter: {} }).follow(
      {
        event: (fed) => this.tell(region, fed),
        gap: () => void this.readAgain(region),
        connected: () => undefined,
        disconnected: () => undefined,
      },
      this.sleep,
      this.stopping.signal,
      ALL,
    );
  }

  private async readAgain(region: string): Promise<void> {
    const held = await new EventFeed(this.api, { region, filter: {} }).earlier(ALL).catch(() => []);
    for (const fed of held) this.tell(region, fed);
  }

  private tell(region: string, { id, event }: FedEvent): void {
    const key = `${region} ${id}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    if (this.seen.size > REMEMBERED) {
      const oldest = this.seen.values().next();
      if (!oldest.done) this.seen.delete(oldest.value);
    }
    this.listener(id, event);
  }
}
