import type { Role } from "./api/backend";

/** What calls do; the same for all calls of one route. */
export const AUDIT_ACTIONS = [
  "fleet.set",
  "match.allocate",
  "queue.leave",
  "region.arrivals",
  "region.drain",
  "region.undrain",
  "server.allocate",
  "server.label",
  "server.spawn",
  "server.terminate",
  "session.create",
  "session.end",
  "session.route",
  "session.update",
  "shift.act",
  "shift.plan",
  "token.mint",
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** One thing that someone did, or tried to do, over the API. */
export interface AuditEntry {
  /** Counts up by one over all actions of this controller. */
  readonly seq: number;
  readonly atMs: number;
  readonly sub: string;
  readonly role: Role;
  readonly action: AuditAction;
  /** The path as it was called. */
  readonly path: string;
  readonly status: number;
  /** The problem's code where it was refused or failed. */
  readonly code: string | undefined;
  readonly requestId: string;
}

/**
 * Who did what, bounded. Each action has a ring of its own: ten thousand sessions a second push out older sessions,
 * never the one termination that someone is looking for. What was refused for lack of rights has one ring for all. It is
 * this program's memory and ends with it: `AuditLines` is for whoever has to keep it.
 */
export class AuditLog {
  readonly #perAction: number;
  readonly #rings = new Map<string, { readonly entries: AuditEntry[]; next: number }>();
  #seq = 0;

  /** @param perAction entries kept of each action. */
  constructor(perAction = 1000) {
    this.#perAction = perAction;
  }

  record(entry: Omit<AuditEntry, "seq">): AuditEntry {
    this.#seq += 1;
    const name = entry.status === 401 || entry.status === 403 ? "refused" : entry.action;
    let ring = this.#rings.get(name);
    if (!ring) this.#rings.set(name, (ring = { entries: [], next: 0 }));
    const { atMs, sub, role, action, path, status, code, requestId } = entry;
    const kept = { seq: this.#seq, atMs, sub, role, action, path, status, code, requestId };
    ring.entries[ring.next] = kept;
    ring.next = (ring.next + 1) % this.#perAction;
    return kept;
  }

  /** Newest first. */
  list(): readonly AuditEntry[] {
    return [...this.#rings.values()].flatMap((ring) => ring.entries).sort((a, b) => b.seq - a.seq);
  }
}
