import { Readable } from "node:stream";
import type { Clock } from "../../protocol/clock";
import type { KubeObject } from "./objects";
import type { Change, ResourceView } from "./resource-view";
import type { Matches } from "./selectors";
import { statusObject } from "./status";

export interface WatchOptions {
  readonly view: ResourceView;
  readonly clock: Clock;
  readonly matches: Matches;
  /** What the watcher has seen; undefined: nothing, it is sent what there is first. */
  readonly since: number | undefined;
  readonly bookmarks: boolean;
  /** It ends after so long; undefined: when its token does. */
  readonly timeoutMs: number | undefined;
}

const BOOKMARK_MS = 30_000;
/** A watcher that leaves more than this unread is dropped; it comes back where it was. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/** A watch as Kubernetes streams it: a JSON object a line, `{type, object}`. */
export class WatchStream extends Readable {
  readonly #ends: (() => void)[] = [];
  #cancelBookmark: () => void = () => undefined;

  /** @param first what there is, where the watcher has seen nothing */
  constructor(
    private readonly options: WatchOptions,
    first: readonly KubeObject[],
  ) {
    super({ highWaterMark: MAX_UNREAD_BYTES });
    const { view, clock, matches, since, bookmarks, timeoutMs } = options;
    const missed = since === undefined ? [] : view.since(since);
    if (missed === undefined) {
      this.#line("ERROR", statusObject(410, "Expired", "too old resource version: read the list anew"));
      this.push(null);
      return;
    }
    for (const object of first) if (matches(object)) this.#line("ADDED", object);
    for (const change of missed) this.#tell(change);
    this.#ends.push(view.follow((change) => this.#tell(change)));
    if (timeoutMs !== undefined) this.#ends.push(clock.after(timeoutMs, () => this.push(null)));
    if (bookmarks) this.#bookmark(first[0]);
  }

  override _read(): void {
    // Changes come when they happen; what is unread is bounded in #line.
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const end of this.#ends) end();
    this.#cancelBookmark();
    done(error);
  }

  /** One that does not fit any more has gone for this watcher, and one that fits now has come. */
  #tell({ type, object, before }: Change): void {
    const { matches } = this.options;
    const was = before !== undefined && matches(before);
    const is = type !== "DELETED" && matches(object);
    if (is) this.#line(was ? "MODIFIED" : "ADDED", object);
    else if (was) this.#line("DELETED", object);
  }

  #bookmark(of: KubeObject | undefined): void {
    this.#cancelBookmark = this.options.clock.after(BOOKMARK_MS, () => {
      const { apiVersion = "agones.dev/v1", kind = "GameServer" } = of ?? {};
      const metadata = { resourceVersion: String(this.options.view.version), creationTimestamp: null };
      this.#line("BOOKMARK", { apiVersion, kind, metadata });
      if (!this.destroyed) this.#bookmark(of);
    });
  }

  #line(type: string, object: unknown): void {
    if (this.destroyed || this.readableEnded) return;
    if (this.readableLength > MAX_UNREAD_BYTES) this.destroy();
    else this.push(`${JSON.stringify({ type, object })}\n`);
  }
}
