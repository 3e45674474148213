import type { IdSource } from "./core-interface";
import type { DecisionRecord } from "./resources";
import { RouteRing, SCORE_PARTS, type RouteTrace } from "./route-ring";

/** How many other records are remembered. */
const OTHERS = 2048;
/** One plain route of so many is told to the shell. */
const SAMPLE = 64;

/** Why things were decided, newest kept, found by their own id or by what they are about. */
export class Records {
  /** Searched where someone asks: keeping it in a map as well would cost each seat more than all of its routing. */
  private ring: RouteRing | undefined;
  private readonly others = new Map<string, DecisionRecord>();
  private readonly latest = new Map<string, string>();
  private routed = 0;

  constructor(private readonly ids: IdSource) {}

  /** Remembers a route; returns its record where it is to be told: every unusual one and a sample of the rest. */
  route(trace: RouteTrace, plain: boolean): DecisionRecord | undefined {
    // Made with the first: a standby and most cores of the simulator route nobody.
    this.ring ??= new RouteRing();
    this.ring.add(trace);
    if (plain && this.routed++ % SAMPLE !== 0) return undefined;
    const record = routeRecord(this.ids("decision"), trace);
    this.keep(record);
    return record;
  }

  make(
    atMs: number,
    of: Pick<DecisionRecord, "kind" | "subject" | "outcome" | "reasons"> & Partial<Pick<DecisionRecord, "considered">>,
  ): DecisionRecord {
    const record: DecisionRecord = {
      id: this.ids("decision"),
      at: new Date(atMs).toISOString(),
      considered: [],
      ...of,
    };
    this.keep(record);
    return record;
  }

  /** By the record's id, or the newest about a session, server, experience or match. */
  find(idOrSubject: string): DecisionRecord | undefined {
    const known = this.others.get(idOrSubject);
    if (known) return known;
    const trace = this.ring?.last(idOrSubject);
    const latest = this.others.get(this.latest.get(idOrSubject) ?? "");
    if (trace && (!latest || Date.parse(latest.at) <= trace.atMs)) return routeRecord(idOrSubject, trace);
    return latest;
  }

  private keep(record: DecisionRecord): void {
    this.others.set(record.id, record);
    this.latest.delete(record.subject);
    this.latest.set(record.subject, record.id);
    dropOldest(this.others, OTHERS);
    dropOldest(this.latest, OTHERS);
  }
}

function routeRecord(id: string, trace: RouteTrace): DecisionRecord {
  const width = SCORE_PARTS.length;
  return {
    id,
    at: new Date(trace.atMs).toISOString(),
    kind: "route",
    subject: trace.subject,
    outcome: trace.outcome,
    reasons: trace.reasons,
    considered: trace.servers.map(({ id: server }, i) => {
      const parts = Object.fromEntries(SCORE_PARTS.map((name, p) => [name, round(trace.parts[i * width + p] ?? 0)]));
      return { id: server, score: round(Object.values(parts).reduce((sum, part) => sum + part, 0)), parts };
    }),
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function dropOldest<K, V>(map: Map<K, V>, limit: number): void {
  if (map.size <= limit) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
