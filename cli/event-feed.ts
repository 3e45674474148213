import { EventStreamParser, type StreamEvent } from "eustress-forge-sdk/event-stream";
import type { ForgeEvent } from "../controller/core/resources";
import { linkedAbort, type Fields, type ForgeApi } from "./api";
import { EXIT } from "./exit-code";
import { ApiError, CliError } from "./failure";
import { textOf } from "./text-stream";

/** An event with its id `EPOCH-SEQ`, which counts in its region. */
export interface FedEvent {
  readonly id: string;
  readonly event: ForgeEvent;
}

export interface FeedOptions {
  readonly region: string;
  /** `type`, `serverId`, `sessionId`, `experienceId` as the API takes them. */
  readonly filter: Fields;
}

/** How many events a controller holds at most. */
const HELD = 10_000;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5000;

/** Events of one region, past and to come. The position outlives broken connections. */
export class EventFeed {
  /** Id of what was seen last; undefined before the first connection. */
  private position: string | undefined;

  constructor(
    private readonly api: ForgeApi,
    private readonly options: FeedOptions,
  ) {}

  /** The last events that are held, oldest first, at most `count`; `follow` goes on behind them. */
  async earlier(count: number): Promise<readonly FedEvent[]> {
    const end = await this.end();
    const found = count > 0 ? await this.upTo(end, count) : [];
    // Only now: where reading broke off, whoever asks again is to be told them still.
    this.position = end;
    return found.slice(-count);
  }

  private async upTo(end: string, count: number): Promise<readonly FedEvent[]> {
    const { epoch, seq } = positionOf(end);
    if (seq === 0) return [];
    // Of a filtered feed nobody knows how far back the wanted ones are.
    const filtered = Object.values(this.options.filter).some((value) => value !== undefined);
    const from = Math.max(0, seq - (filtered ? HELD - 1 : count));
    return (await this.since(`${epoch}-${from}`, end)) ?? (await this.since(`${epoch}-0`, end)) ?? [];
  }

  /**
   * Events from now on, or from where `earlier` ended, until the signal aborts. Goes on after broken connections.
   * @param past how many that were before are told first, where `earlier` was not called: a controller that does not
   *   answer yet is then waited for
   * @throws {ApiError} where the controller refuses for good
   */
  async follow(
    told: FeedListener,
    sleep: (ms: number, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
    past = 0,
  ): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
      // A connection's own: what listens to the command's signal would grow with each connection.
      const { controller: connection, unlink } = linkedAbort(signal);
      try {
        if (this.position === undefined && past > 0) for (const fed of await this.earlier(past)) told.event(fed);
        const response = await this.open(this.position, connection.signal);
        told.connected();
        pauseMs = FIRST_PAUSE_MS;
        await this.read(
          response,
          (event) => this.tell(event, told),
          (lastId) => {
            if (lastId !== "") this.position = lastId;
            return false;
          },
          connection.signal,
        );
      } catch (error) {
        if (signal.aborted) return;
        if (!passes(error)) throw error;
        told.disconnected(error);
      } finally {
        unlink();
      }
      if (!signal.aborted) await sleep(pauseMs, signal).catch(() => undefined);
    }
  }

  private tell({ event, data, id }: StreamEvent, told: FeedListener): void {
    if (event === "reset") told.gap();
    else told.event({ id, event: JSON.parse(data) as ForgeEvent });
  }

  /** The id of the newest event, or where the first will come after. */
  private async end(): Promise<string> {
    let end = "";
    await this.read(
      await this.open(undefined),
      () => undefined,
      (lastId) => {
        end = lastId;
        return lastId !== "";
      },
    );
    return end;
  }

  /** Events after `from` up to `end`; undefined where they are no longer held. */
  private async since(from: string, end: string): Promise<readonly FedEvent[] | undefined> {
    const found: FedEvent[] = [];
    let gap = false;
    const last = positionOf(end).seq;
    await this.read(
      await this.open(from),
      ({ event, data, id }) => {
        if (event === "reset") gap = true;
        else if (positionOf(id).seq <= last) found.push({ id, event: JSON.parse(data) as ForgeEvent });
      },
      (lastId) => gap || positionOf(lastId).seq >= last,
    );
    return gap ? undefined : found;
  }

  private open(from: string | undefined, signal?: AbortSignal): Promise<Response> {
    return this.api.open({
      method: "GET",
      path: "/v1/events",
      query: { ...this.options.filter, region: this.options.region },
      headers: { accept: "text/event-stream", ...(from !== undefined && { "last-event-id": from }) },
      signal,
    });
  }

  /** Reads until the stream ends, or `enough` says so of the position after a chunk. */
  private async read(
    response: Response,
    onEvent: (event: StreamEvent) => void,
    enough: (lastId: string) => boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    const parser = new EventStreamParser(onEvent);
    for await (const text of textOf(response, signal)) {
      parser.push(text);
      if (enough(parser.lastEventId)) return;
    }
  }
}

export interface FeedListener {
  event(fed: FedEvent): void;
  /** Events were missed: the controller no longer held them. */
  gap(): void;
  connected(): void;
  disconnected(error: unknown): void;
}

/** What a moment later may be otherwise. */
function passes(error: unknown): boolean {
  if (error instanceof ApiError) return error.problem.status >= 500 || error.problem.status === 429;
  return error instanceof CliError && (error.exitCode === EXIT.unreachable || error.code === "brokenStream");
}

function positionOf(id: string): { readonly epoch: number; readonly seq: number } {
  const [epoch = "0", seq = "0"] = id.split("-");
  return { epoch: Number(epoch) || 0, seq: Number(seq) || 0 };
}
