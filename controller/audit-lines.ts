import type { Clock } from "../protocol/clock";
import type { AuditAction, AuditEntry } from "./audit-log";

/** What is logged: pino's own order of arguments. */
interface AuditLineLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * What places players comes in thousands a second, and in a program's log, whose files are rotated, would push out all
 * else within a minute. Events tell of it, to webhooks too.
 */
const PLACING: ReadonlySet<string> = new Set<AuditAction>([
  "session.create",
  "session.update",
  "session.end",
  "session.route",
  "queue.leave",
  "region.arrivals",
  "match.allocate",
  "server.allocate",
]);
/** Refused calls that are written in a second: whoever has any token could else fill the log. */
const REFUSED_A_SECOND = 10;

/**
 * Writes the audit log's entries to the program's log, a line each, for whoever has to keep them: the audit log itself
 * is in memory. No line has a body, a query, a token or a ticket.
 */
export class AuditLines {
  #secondBeganMs = -Infinity;
  #refused = 0;
  #leftOut = 0;

  constructor(
    private readonly log: AuditLineLog,
    private readonly clock: Clock,
  ) {}

  write({ seq, sub, role, action, path, status, code, requestId }: AuditEntry): void {
    if (PLACING.has(action)) return;
    const isRefused = status === 401 || status === 403;
    if (isRefused && !this.#hasRoom()) return;
    const leftOut = isRefused && this.#leftOut > 0 ? { leftOut: this.#leftOut } : {};
    if (isRefused) this.#leftOut = 0;
    this.log.info(
      { event: "audit", seq, sub, role, action, path, status, code, requestId, ...leftOut },
      `audit: ${action} by ${role} ${JSON.stringify(sub)}: ${status}${code === undefined ? "" : ` ${code}`}`,
    );
  }

  #hasRoom(): boolean {
    const now = this.clock.now();
    if (now - this.#secondBeganMs >= 1000) {
      this.#secondBeganMs = now;
      this.#refused = 0;
    }
    this.#refused += 1;
    if (this.#refused <= REFUSED_A_SECOND) return true;
    this.#leftOut += 1;
    return false;
  }
}
