import { ApiConnection, query, type Fetch } from "../api-connection";
import { ForgeApiError, ForgeUsageError } from "../errors";
import type { Placement, Queued, Session, SessionAsk } from "../resources";
import type { RetryPolicy } from "../retry";
import { realTiming, type Timing } from "../timing";
import type { TokenSource } from "../token-source";
import { followSession, isGone, type FollowOptions, type FollowOutcome, type Place } from "./follow";
import { measureLatencies } from "./latencies";

export interface ConnectRequest extends SessionAsk {
  /** Called each time the player's place in the queue becomes known. */
  readonly onQueued?: (queued: Queued) => void;
  readonly signal?: AbortSignal;
}

export interface PlayerClientOptions {
  /** A controller, or several of one run: the first is asked first. */
  readonly url: string | readonly string[];
  /**
   * A token of the player's own, or of the backend that acts for players; a function is asked for each attempt. Once
   * there is a place its ticket is shown instead.
   */
  readonly token?: TokenSource;
  /** How long calls are tried again while a controller is away, in milliseconds; 20,000. */
  readonly retryForMs?: number;
  readonly fetch?: Fetch;
  readonly timing?: Timing;
}

const CALLS: RetryPolicy = { forMs: 20_000, firstMs: 200, maxMs: 3_000 };
const LONG_POLL_SECS = 25;
/** A queue that a controller has forgotten is joined again, but not for ever. */
const MAX_REQUEUES = 5;

/** As much of a region as measuring needs; older controllers tell of no ping service. */
interface KnownRegion {
  readonly name: string;
  readonly url: string | null;
  readonly ping?: { readonly http: string } | null;
}

/** A player's side of Forge, for browsers and Node: get a place, follow it when the server goes, report, leave. */
export class PlayerClient {
  private readonly api: ApiConnection;
  private readonly timing: Timing;
  private readonly fetch: Fetch;
  private current: Place | undefined;

  constructor(options: PlayerClientOptions) {
    this.timing = options.timing ?? realTiming;
    // Bound, because a browser's fetch insists on its window.
    this.fetch = options.fetch ?? ((...args) => globalThis.fetch(...args));
    const policy = { ...CALLS, forMs: options.retryForMs ?? CALLS.forMs };
    const urls = typeof options.url === "string" ? [options.url] : options.url;
    this.api = new ApiConnection(urls, options.token, this.timing, policy, this.fetch);
  }

  /** The place held now; undefined before `connect` and after `leave`. */
  get place(): Place | undefined {
    return this.current;
  }

  /**
   * Gets a place, waiting in the queue where there is none yet.
   * @returns with `party`, the places of the others, to hand on to them (`adopt`)
   * @throws {ForgeApiError} e.g. `deadlineExceeded`, `queueFull`, `unknownExperience`
   * @throws {ForgeUnreachableError} where no controller answered in time
   */
  async connect({ onQueued, signal, ...ask }: ConnectRequest): Promise<Placement> {
    for (let requeues = 0; ; requeues++) {
      try {
        const placement = await this.wait(await this.ask(ask, signal), onQueued, signal);
        this.current = placeOf(placement);
        return placement;
      } catch (error) {
        // Controllers that were restarted know the players who sit, not always those who waited.
        const forgotten = error instanceof ForgeApiError && error.code === "unknownQueueTicket";
        if (!forgotten || requeues >= MAX_REQUEUES) throw error;
      }
    }
  }

  /** Takes over a place that another of the party got. */
  adopt(place: Place): void {
    this.current = placeOf(place);
  }

  /**
   * Finds out where the seat is after the connection to the server broke, or the server said that it moved.
   * Asks with the old ticket, so it needs no token; spreads requests, and tries every known controller.
   */
  async follow(options: FollowOptions = {}): Promise<FollowOutcome> {
    const outcome = await followSession(this.api, this.timing, this.held(), options);
    if (outcome.kind === "moved" || outcome.kind === "same") this.current = outcome.place;
    if (outcome.kind === "ended") this.current = undefined;
    return outcome;
  }

  /** Reports how the game feels: round trip in milliseconds, lost packets from 0 to 1. Needs no token: shows the ticket. */
  async report(report: { readonly latencyMs?: number; readonly packetLoss?: number }): Promise<Session> {
    const { session, ticket } = this.held();
    const path = `/v1/sessions/${encodeURIComponent(session.id)}`;
    const authorization = `Ticket ${ticket}`;
    const body = { ...report, lastActivity: new Date(this.timing.now()).toISOString() };
    // The next report is better than this one late.
    const answer = await this.api.call({ method: "PATCH", path, body, retryForMs: 1_000, authorization });
    return answer.body as Session;
  }

  /**
   * Gives the seat back; needs no token. That it is gone already is no error.
   * Where this throws the place is still held, so that it can be called again.
   */
  async leave(reason = "left"): Promise<void> {
    const place = this.current;
    if (place === undefined) return;
    try {
      await this.api.call({
        method: "DELETE",
        path: `/v1/sessions/${encodeURIComponent(place.session.id)}${query({ reason })}`,
        authorization: `Ticket ${place.ticket}`,
      });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    // Not a place that came meanwhile.
    if (this.current === place) this.current = undefined;
  }

  /** The WebSocket address of one of the server's ports. */
  gameUrl(port = "game", scheme: "ws" | "wss" = "ws"): string {
    const { server } = this.held();
    const number = server.ports[port];
    if (number === undefined) {
      throw new ForgeUsageError(
        "notPlaced",
        `server ${server.id} has no port "${port}": it has ${Object.keys(server.ports).join(", ") || "none"}`,
      );
    }
    return `${scheme}://${server.address.includes(":") ? `[${server.address}]` : server.address}:${number}`;
  }

  /**
   * Measures the round trip to all regions at once, for `latencies`: to a region's ping service where it has one, else
   * to its controller. Remembers the controllers' addresses for the day when one does not answer. Without `regions`,
   * URLs of controllers, asks a controller for them. Regions that do not answer are left out.
   */
  async measureLatencies(regions?: Readonly<Record<string, string>>): Promise<Record<string, number>> {
    const known: readonly KnownRegion[] = regions
      ? Object.entries(regions).map(([name, url]) => ({ name, url }))
      : await this.regions();
    for (const { url } of known) if (url !== null) this.api.know(url);
    const targets = known.flatMap(({ name, url, ping }) => {
      const target = ping?.http ?? (url === null ? undefined : `${url.replace(/\/+$/, "")}/health`);
      return target === undefined ? [] : [[name, target] as const];
    });
    return measureLatencies(Object.fromEntries(targets), this.fetch, this.timing);
  }

  private async regions(): Promise<readonly KnownRegion[]> {
    const { body } = await this.api.call({ method: "GET", path: "/v1/regions" });
    return ((body ?? {}) as { items?: readonly KnownRegion[] }).items ?? [];
  }

  private async ask(ask: SessionAsk, signal: AbortSignal | undefined): Promise<Placement | Queued> {
    const { body } = await this.api.call({ method: "POST", path: "/v1/sessions", body: ask, signal });
    return body as Placement | Queued;
  }

  private async wait(
    first: Placement | Queued,
    onQueued: ConnectRequest["onQueued"],
    signal: AbortSignal | undefined,
  ): Promise<Placement> {
    let answer = first;
    while ("queueTicket" in answer) {
      onQueued?.(answer);
      const path = `/v1/queue/${encodeURIComponent(answer.queueTicket)}`;
      const askedAt = this.timing.now();
      try {
        answer = (
          await this.api.call({
            method: "GET",
            path: `${path}?wait=${LONG_POLL_SECS}`,
            waitSecs: LONG_POLL_SECS,
            signal,
          })
        ).body as Placement | Queued;
        // An answer that came before its time must not make a loop without a pause.
        if ("queueTicket" in answer && this.timing.now() - askedAt < 1_000)
          await this.timing.sleep(500 + this.timing.random() * 500, signal);
      } catch (error) {
        // Whoever does not want to wait any more must not be given a seat. Where this fails, the queue's deadline holds.
        if (signal?.aborted) await this.api.call({ method: "DELETE", path, retryForMs: 0 }).catch(() => undefined);
        throw error;
      }
    }
    return answer;
  }

  private held(): Place {
    if (this.current === undefined)
      throw new ForgeUsageError("notPlaced", "the player has no place: call connect first");
    return this.current;
  }
}

function placeOf({ session, server, ticket }: Place): Place {
  return { session, server, ticket };
}
