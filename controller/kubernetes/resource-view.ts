import type { Clock } from "../../protocol/clock";
import type { KubeObject } from "./objects";

export interface Change {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
  /** What it was before; undefined of one that is new. */
  readonly before: KubeObject | undefined;
}

/** How often it looks while somebody watches, in milliseconds. */
const LOOK_MS = 1000;
/** Watchers that were away for more changes than these have to read the list anew. */
const KEPT_CHANGES = 10_000;

/**
 * One kind of object as Kubernetes' clients follow it: a list with a version, and what changed since a version. It looks
 * at what there is and tells the differences, so that it cannot miss any, and looks only while it is asked or watched.
 */
export class ResourceView {
  readonly #objects = new Map<string, KubeObject>();
  readonly #texts = new Map<string, string>();
  #changes: Change[] = [];
  readonly #listeners = new Set<(change: Change) => void>();
  #looking: Promise<void> | undefined;
  #cancel: () => void = () => undefined;
  /** Begins later than any that a controller before gave, so that theirs are too old and not wrong. */
  #version: number;
  readonly #firstVersion: number;

  constructor(
    private readonly read: () => Promise<readonly KubeObject[]>,
    private readonly clock: Clock,
  ) {
    this.#version = this.#firstVersion = clock.now() * 1000;
  }

  async list(): Promise<{ readonly items: readonly KubeObject[]; readonly version: number }> {
    await this.look();
    return { items: [...this.#objects.values()], version: this.#version };
  }

  /** Undefined where that is too long ago, or was not said here. */
  since(version: number): readonly Change[] | undefined {
    const oldest = this.#changes.length < KEPT_CHANGES ? this.#firstVersion : (this.#changes[0]?.version ?? 0) - 1;
    if (version < oldest || version > this.#version) return undefined;
    return this.#changes.filter((change) => change.version > version);
  }

  /** @returns ends it */
  follow(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#lookOn();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#cancel();
    };
  }

  get version(): number {
    return this.#version;
  }

  /** Two at once are one. */
  look(): Promise<void> {
    return (this.#looking ??= this.#compare().finally(() => (this.#looking = undefined)));
  }

  async #compare(): Promise<void> {
    const now = new Map((await this.read()).map((object) => [object.metadata.name, object]));
    for (const [name, object] of [...this.#objects]) {
      if (!now.has(name)) this.#tell("DELETED", name, object);
    }
    for (const [name, object] of now) {
      const text = JSON.stringify(object);
      const before = this.#texts.get(name);
      if (before === text) continue;
      this.#texts.set(name, text);
      this.#tell(before === undefined ? "ADDED" : "MODIFIED", name, object);
    }
  }

  #tell(type: Change["type"], name: string, { metadata, ...rest }: KubeObject): void {
    this.#version += 1;
    const before = this.#objects.get(name);
    const object = { ...rest, metadata: { ...metadata, resourceVersion: String(this.#version) } } as KubeObject;
    if (type === "DELETED") {
      this.#objects.delete(name);
      this.#texts.delete(name);
    } else this.#objects.set(name, object);
    const change = { version: this.#version, type, object, before };
    this.#changes.push(change);
    if (this.#changes.length > 2 * KEPT_CHANGES) this.#changes = this.#changes.slice(-KEPT_CHANGES);
    for (const listener of this.#listeners) listener(change);
  }

  #lookOn(): void {
    this.#cancel();
    let ended = false;
    const cancelTimer = this.clock.after(LOOK_MS, () => {
      // What could not be read this time is read the next.
      void this.look()
        .catch(() => undefined)
        .then(() => (ended ? undefined : this.#lookOn()));
    });
    this.#cancel = () => {
      ended = true;
      cancelTimer();
    };
  }
}
