/** How many routes are remembered. At 10,000 seats a second that is half a second; `why` asks about recent ones. */
const ROUTES = 4096;
/** So many servers are weighed for a group, however many there are. */
export const CANDIDATES = 8;
/** The parts of a route's score, in the order of `RouteTrace.parts`. */
export const SCORE_PARTS = ["players", "cpu", "memory", "latency"] as const;

const WIDTH = CANDIDATES * SCORE_PARTS.length;

/** A route as it was weighed. */
export interface RouteTrace {
  readonly atMs: number;
  readonly subject: string;
  readonly outcome: string;
  /** Held as it is: one list for all routes of a kind costs nothing. */
  readonly reasons: readonly string[];
  /** At most `CANDIDATES`. */
  readonly servers: readonly { readonly id: string }[];
  /** `SCORE_PARTS.length` numbers a server, read before the call returns. */
  readonly parts: Float64Array | readonly number[];
}

/**
 * The last routes, in columns that are written over. An object for each seat would live long enough to be copied by the
 * collector twice, which costs more than the routing itself.
 */
export class RouteRing {
  private readonly atMs = new Float64Array(ROUTES);
  private readonly subjects: string[] = [];
  private readonly outcomes: string[] = [];
  private readonly reasons: (readonly string[])[] = [];
  private readonly servers: string[] = [];
  private readonly counts = new Uint8Array(ROUTES);
  private readonly parts = new Float64Array(ROUTES * WIDTH);
  private next = 0;

  add({ atMs, subject, outcome, reasons, servers, parts }: RouteTrace): void {
    const at = this.next;
    this.next = (at + 1) % ROUTES;
    this.atMs[at] = atMs;
    this.subjects[at] = subject;
    this.outcomes[at] = outcome;
    this.reasons[at] = reasons;
    this.counts[at] = servers.length;
    for (let i = 0; i < CANDIDATES; i++) this.servers[at * CANDIDATES + i] = servers[i]?.id ?? "";
    for (let i = 0; i < servers.length * SCORE_PARTS.length; i++) this.parts[at * WIDTH + i] = parts[i] ?? 0;
  }

  /** The newest about a subject. */
  last(subject: string): RouteTrace | undefined {
    for (let back = 1; back <= this.subjects.length; back++) {
      const at = (this.next - back + ROUTES) % ROUTES;
      if (this.subjects[at] === subject) return this.read(at);
    }
    return undefined;
  }

  private read(at: number): RouteTrace {
    const count = this.counts[at] ?? 0;
    return {
      atMs: this.atMs[at] ?? 0,
      subject: this.subjects[at] ?? "",
      outcome: this.outcomes[at] ?? "",
      reasons: this.reasons[at] ?? [],
      servers: this.servers.slice(at * CANDIDATES, at * CANDIDATES + count).map((id) => ({ id })),
      parts: this.parts.slice(at * WIDTH, at * WIDTH + count * SCORE_PARTS.length),
    };
  }
}
