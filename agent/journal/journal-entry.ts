import type { ExpectedServer } from "../../protocol/messages";
import type { SeatRecord } from "../seats/seat-record";

/** What the agent's journal holds. Applied in order from the first, it gives the state at the last. */
export type JournalEntry =
  | { readonly kind: "epoch"; readonly epoch: number }
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
  | { readonly kind: "forget"; readonly serverId: string; readonly allocationId: string };
