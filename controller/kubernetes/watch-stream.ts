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
/** A watcher that leaves more changes than these unread, beyond what it began with, is dropped; it comes back where it was. */
const MAX_UNREAD = 10_000;
/** So much is made into text before it is asked for. What else waits is the view's own objects, however many watch. */
const TEXT_BYTES = 64 * 1024;

/** A watch as Kubernetes streams it: a JSON object a line, `{type, object}`. */
export class WatchStream extends Readable {
  readonly #ends: (() => void)[] = [];
  #cancelBookmark: () => void = () => undefined;
  #waiting: { readonly type: string; readonly object: unknown }[] = [];
  #told = 0;
  #mayWait = Infinity;
  #isWanted = false;
  #isOver = false;

  /** @param first what there is, where the watcher has seen nothing */
  constructor(
    private readonly options: WatchOptions,
    first: readonly KubeObject[],
  ) {
    super({ highWaterMark: TEXT_BYTES });
    const { view, clock, matches, since, bookmarks, timeoutMs } = options;
    const missed = since === undefined ? [] : view.since(since);
    if (missed === undefined) {
      this.#line("ERROR", statusObject(410, "Expired", "too old resource version: read the list anew"));
      this.#end();
      return;
    }
    for (const object of first) if (matches(object)) this.#line("ADDED", object);
    for (const change of missed) this.#tell(change);
    // What was asked for is no sign of slowness.
    this.#mayWait = this.#waiting.length + MAX_UNREAD;
    this.#ends.push(view.follow((change) => this.#tell(change)));
    if (timeoutMs !== undefined) this.#ends.push(clock.after(timeoutMs, () => this.#end()));
    if (bookmarks) this.#bookmark(first[0]);
  }

  override _read(): void {
    this.#isWanted = true;
    this.#flush();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const end of this.#ends) end();
    this.#cancelBookmark();
    this.#waiting = [];
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
    if (this.destroyed || this.#isOver) return;
    if (this.#waiting.length >= this.#mayWait) return void this.destroy();
    this.#waiting.push({ type, object });
    if (this.#isWanted) this.#flush();
  }

  #end(): void {
    this.#isOver = true;
    if (this.#isWanted) this.#flush();
  }

  #flush(): void {
    while (this.#isWanted && this.#told < this.#waiting.length) {
      // Counted before it is pushed: whoever takes it may ask for more at once.
      const line = this.#waiting[this.#told++];
      this.#isWanted = this.push(`${JSON.stringify(line)}\n`);
    }
    this.#waiting = this.#waiting.slice(this.#told);
    this.#told = 0;
    if (this.#isOver && this.#waiting.length === 0 && !this.readableEnded) this.push(null);
  }
}
