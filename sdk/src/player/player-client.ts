import { ApiConnection, query, type Fetch } from "../api-connection";
import { ForgeApiError, ForgeUnreachableError, ForgeUsageError } from "../errors";
import type { Endpoint, Follow, Placement, Queued, Session, SessionAsk } from "../resources";
import type { RetryPolicy } from "../retry";
import { realTiming, type Timing } from "../timing";
import { measureLatencies } from "./latencies";

/** Where a player plays: connect to the server and show it the ticket. */
export interface Place {
  readonly session: Session;
  readonly server: Endpoint;
  readonly ticket: string;
}

export interface ConnectRequest extends SessionAsk {
  /** Called each time the player's place in the queue becomes known. */
  readonly onQueued?: (queued: Queued) => void;
  readonly signal?: AbortSignal;
}

export interface FollowOptions {
  /** The server said that the seat is elsewhere: an answer that it is still where it was is not taken. */
  readonly moved?: boolean;
  /** How long to go on asking, in milliseconds; 30,000. */
  readonly forMs?: number;
  readonly signal?: AbortSignal;
}

export type FollowOutcome =
  /** The seat is on another server: connect there. */
  | { readonly kind: "moved"; readonly place: Place }
  /** The seat is where it was: only the connection broke. Connect again with the same ticket. */
  | { readonly kind: "same"; readonly place: Place }
  /** The session is over, and this is why. */
  | { readonly kind: "ended"; readonly reason: string; readonly session: Session | undefined }
  /** Nobody could say in time. */
  | { readonly kind: "unknown"; readonly reason: string };

export interface PlayerClientOptions {
  /** A controller, or several of one run: the first is asked first. */
  readonly url: string | readonly string[];
  /** A token of the player's own, or of the backend that acts for players. */
  readonly token?: string;
  /** How long calls are tried again while a controller is away, in milliseconds; 20,000. */
  readonly retryForMs?: number;
  readonly fetch?: Fetch;
  readonly timing?: Timing;
}

const CALLS: RetryPolicy = { forMs: 20_000, firstMs: 200, maxMs: 3_000 };
const LONG_POLL_SECS = 25;
/** A broken connection is more often the player's own than the server's end: ask shortly first. */
const FIRST_FOLLOW_SECS = 2;
/** After a move many ask at once; they spread over so many milliseconds. */
const FOLLOW_SPREAD_MS = 150;
/** A controller that has just started learns of sessions from the nodes; until then it may not know this one. */
const REBUILD_MS = 5_000;
/** A queue that a controller has forgotten is joined again, but not for ever. */
const MAX_REQUEUES = 5;

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
    const place = this.held();
    const beganAt = this.timing.now();
    const until = beganAt + (options.forMs ?? 30_000);
    await this.timing.sleep(this.timing.random() * FOLLOW_SPREAD_MS, options.signal);
    for (let asked = 0; ; asked++) {
      const leftMs = until - this.timing.now();
      if (leftMs <= 0) return { kind: "unknown", reason: "no new place in time" };
      const waitSecs = Math.min(
        asked === 0 && !options.moved ? FIRST_FOLLOW_SECS : LONG_POLL_SECS,
        Math.ceil(leftMs / 1000),
      );
      let follow: Follow;
      try {
        follow = await this.askWhere(place, waitSecs, leftMs, options.signal);
      } catch (error) {
        if (isUnknown(error) && this.timing.now() < beganAt + REBUILD_MS) {
          await this.timing.sleep(300 + this.timing.random() * 300, options.signal);
          continue;
        }
        return this.failed(error);
      }
      const outcome = this.judge(place, follow, options.moved ?? false);
      if (outcome) return outcome;
      await this.timing.sleep(100 + this.timing.random() * 200, options.signal);
    }
  }

  /** Reports how the game feels: round trip in milliseconds, lost packets from 0 to 1. */
  async report(report: { readonly latencyMs?: number; readonly packetLoss?: number }): Promise<Session> {
    const path = `/v1/sessions/${encodeURIComponent(this.held().session.id)}`;
    const body = { ...report, lastActivity: new Date(this.timing.now()).toISOString() };
    // The next report is better than this one late.
    const answer = await this.api.call({ method: "PATCH", path, body, retryForMs: 1_000 });
    return answer.body as Session;
  }

  /** Gives the seat back. That it is gone already is no error. */
  async leave(reason = "left"): Promise<void> {
    const place = this.current;
    if (place === undefined) return;
    this.current = undefined;
    try {
      await this.api.call({
        method: "DELETE",
        path: `/v1/sessions/${encodeURIComponent(place.session.id)}${query({ reason })}`,
      });
    } catch (error) {
      if (!(error instanceof ForgeApiError) || error.status !== 404) throw error;
    }
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
   * Measures the round trip to each region's controller, for `latencies`, and remembers their addresses for the day
   * when one does not answer. Without `regions` asks a controller for them. Regions that do not answer are left out.
   */
  async measureLatencies(regions?: Readonly<Record<string, string>>): Promise<Record<string, number>> {
    const urls = regions ?? (await this.regions());
    for (const url of Object.values(urls)) this.api.know(url);
    return measureLatencies(urls, this.fetch, this.timing);
  }

  private async regions(): Promise<Record<string, string>> {
    const { body } = await this.api.call({ method: "GET", path: "/v1/regions" });
    const { items = [] } = (body ?? {}) as { items?: readonly { name: string; url: string | null }[] };
    return Object.fromEntries(items.flatMap(({ name, url }) => (url === null ? [] : [[name, url]])));
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

  private async askWhere(
    place: Place,
    waitSecs: number,
    retryForMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Follow> {
    const path = `/v1/sessions/${encodeURIComponent(place.session.id)}?wait=${waitSecs}`;
    const { body } = await this.api.call({
      method: "GET",
      path,
      authorization: `Ticket ${place.ticket}`,
      waitSecs,
      retryForMs,
      signal,
    });
    return body as Follow;
  }

  private judge(before: Place, follow: Follow, moved: boolean): FollowOutcome | undefined {
    const { session, server, ticket } = follow;
    if (session.state === "ended") {
      this.current = undefined;
      return { kind: "ended", reason: session.reason, session };
    }
    if (server === null || session.state === "migrating" || session.state === "queued") return undefined;
    if (session.generation > before.session.generation) {
      if (ticket === null) return undefined;
      this.current = { session, server, ticket };
      return { kind: "moved", place: this.current };
    }
    if (moved) return undefined;
    // A fresh ticket where there is one: the old may have run out while the player sat.
    this.current = { session, server, ticket: ticket ?? before.ticket };
    return { kind: "same", place: this.current };
  }

  /** What a failed question means for the player; an error of the caller's is thrown. */
  private failed(error: unknown): FollowOutcome {
    if (isUnknown(error)) {
      this.current = undefined;
      return { kind: "ended", reason: error.detail, session: undefined };
    }
    const passing =
      error instanceof ForgeUnreachableError ||
      (error instanceof ForgeApiError && (error.passing || error.status >= 500));
    if (!passing) throw error;
    return { kind: "unknown", reason: error.message };
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

function isUnknown(error: unknown): error is ForgeApiError {
  return error instanceof ForgeApiError && (error.status === 404 || error.status === 410);
}
