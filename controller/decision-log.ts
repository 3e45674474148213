import type { DecisionRecord } from "./core/resources";

/** The last decisions with their reasons, for `forge why`; the oldest go first. */
export class DecisionLog {
  private readonly records = new Map<string, DecisionRecord>();

  constructor(private readonly capacity = 10_000) {}

  add(record: DecisionRecord): void {
    this.records.set(record.id, record);
    if (this.records.size > this.capacity) {
      const oldest = this.records.keys().next();
      if (!oldest.done) this.records.delete(oldest.value);
    }
  }

  get(id: string): DecisionRecord | undefined {
    return this.records.get(id);
  }

  /** The newest record about a server, session, match or player. */
  latestAbout(subject: string): DecisionRecord | undefined {
    return [...this.records.values()].findLast((record) => record.subject === subject);
  }
}
