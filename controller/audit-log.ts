import type { Role } from "./api/backend";

/** One thing that someone did, or tried to do, over the API. */
export interface AuditEntry {
  /** Counts up by one over all actions of this controller. */
  readonly seq: number;
  readonly atMs: number;
  readonly sub: string;
  readonly role: Role;
  /** What the call does, such as `server.terminate`; the same for all calls of one route. */
  readonly action: string;
  /** The path as it was called. */
  readonly path: string;
  readonly status: number;
  /** The problem's code where it was refused or failed. */
  readonly code: string | undefined;
  readonly requestId: string;
}

/**
 * Who did what, bounded. Each action has a ring of its own: ten thousand sessions a second push out older sessions,
 * never the one termination that someone is looking for. What was refused for lack of rights has one ring for all.
 */
export class AuditLog {
  readonly #perAction: number;
  readonly #rings = new Map<string, { readonly entries: AuditEntry[]; next: number }>();
  #seq = 0;

  /** @param perAction entries kept of each action. */
  constructor(perAction = 1000) {
    this.#perAction = perAction;
  }

  record(entry: Omit<AuditEntry, "seq">): void {
    this.#seq += 1;
    const name = entry.status === 401 || entry.status === 403 ? "refused" : entry.action;
    let ring = this.#rings.get(name);
    if (!ring) this.#rings.set(name, (ring = { entries: [], next: 0 }));
    const { atMs, sub, role, action, path, status, code, requestId } = entry;
    ring.entries[ring.next] = { seq: this.#seq, atMs, sub, role, action, path, status, code, requestId };
    ring.next = (ring.next + 1) % this.#perAction;
  }

  /** Newest first. */
  list(): readonly AuditEntry[] {
    return [...this.#rings.values()].flatMap((ring) => ring.entries).sort((a, b) => b.seq - a.seq);
  }
}
