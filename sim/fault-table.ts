import { FAULTS, type FaultKind } from "./fault";
import { PHASES, type Phase } from "./phase";

/** How often each kind of fault has struck while each kind of message was under way. */
export class FaultTable {
  private readonly counts = new Map<string, number>();

  count(kind: FaultKind, phase: Phase): number {
    return this.counts.get(`${kind} ${phase}`) ?? 0;
  }

  note(kind: FaultKind, phases: readonly Phase[]): void {
    for (const phase of phases) this.counts.set(`${kind} ${phase}`, this.count(kind, phase) + 1);
  }

  add(other: FaultTable): void {
    for (const [cell, count] of other.counts) this.counts.set(cell, (this.counts.get(cell) ?? 0) + count);
  }

  empty(): string[] {
    return FAULTS.flatMap((kind) =>
      PHASES.filter((phase) => this.count(kind, phase) === 0).map((phase) => `${kind} × ${phase}`),
    );
  }

  toString(): string {
    const width = Math.max(...FAULTS.map((kind) => kind.length));
    const head = `${"".padEnd(width)} ${PHASES.map((phase) => phase.padStart(9)).join("")}`;
    const rows = FAULTS.map(
      (kind) => `${kind.padEnd(width)} ${PHASES.map((phase) => String(this.count(kind, phase)).padStart(9)).join("")}`,
    );
    return [head, ...rows].join("\n");
  }
}
