import type { Counts } from "../../protocol/counts";
import type { ExpectedServer, ServerReport } from "../../protocol/messages";

/** What a server's counts begin with. */
export function initialCounts({ counters = {}, lists = {}, tracked }: ExpectedServer): Counts {
  return { counters, lists, tracked };
}

/** Whether it counts anything at all. */
export function hasCounts({ counters, lists, tracked }: Counts): boolean {
  return tracked !== undefined || Object.keys(counters).length + Object.keys(lists).length > 0;
}

/** As controllers are told; nothing where it counts nothing. */
export function countsReport(counts: Counts): Partial<Pick<ServerReport, "counters" | "lists" | "tracked">> {
  return hasCounts(counts) ? counts : {};
}
