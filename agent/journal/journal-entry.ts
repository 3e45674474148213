import type { ExpectedServer, RegionDrain } from "../../protocol/messages";
import type { CountsRecord } from "../counts/counts-record";
import type { SeatRecord } from "../seats/seat-record";

/** What the agent's journal holds. Applied in order from the first, it gives the state at the last. */
export type JournalEntry =
  /** With the drain of its region, where one was ever told: an earlier version's agent reads over that. */
  | { readonly kind: "epoch"; readonly epoch: number; readonly drain?: RegionDrain | undefined }
  | {
      readonly kind: "expect";
      readonly atMs: number;
      readonly server: ExpectedServer;
      /** By task: what names its process for good, where it was there. */
      readonly started: Readonly<Record<string, string>>;
    }
  | { readonly kind: "seats"; readonly serverId: string; readonly allocationId: string; readonly record: SeatRecord }
  | {
      readonly kind: "labels";
      readonly serverId: string;
      readonly allocationId: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
    }
  | { readonly kind: "counts"; readonly serverId: string; readonly allocationId: string; readonly record: CountsRecord }
  | { readonly kind: "forget"; readonly serverId: string; readonly allocationId: string };

/** One server in one allocation. Ids hold no line breaks, or else two could have one key. */
export function allocationKey(serverId: string, allocationId: string): string {
  return `${serverId}\n${allocationId}`;
}

/** A record that a newer agent wrote: what it granted or closed by it cannot be guessed. */
export function unknownRecord(record: { readonly kind: unknown }): Error {
  return new Error(
    `the journal holds a record ${JSON.stringify(record.kind)} that this agent does not know: a newer one wrote it. ` +
      `Start that version again, or stop this node's game servers and move the journal away`,
  );
}
