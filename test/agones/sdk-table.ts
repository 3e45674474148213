import type { Seen } from "./sdk-comparison";

export interface Row {
  readonly what: string;
  readonly agones: string;
  readonly forge: string;
  /** Empty where both are the same. */
  readonly why: string;
}

const AT_ONCE = "Agones writes to its store, each half second at most; here it counts before the call is answered";
const UPDATED =
  "AIP-134 has the updated list as the answer, as Agones' local mode gives it; Agones' clients do not look at it";

/** Why Forge does it otherwise. A difference that has no line here fails the test, and so does a line without one. */
const REASONS: Readonly<Record<string, string>> = {
  "GetGameServer: players, before any call":
    "players are always tracked, for `tracked_players`, `max_players` unless set; in Agones an alpha feature begins with 0",
  Ready: AT_ONCE,
  "Reserve 1 s, then nothing": AT_ONCE,
  "Reserve 0": AT_ONCE,
  Allocate: AT_ONCE,
  SetLabel: AT_ONCE,
  SetAnnotation: AT_ONCE,
  "UpdateCounter, capacity 5, below the count": AT_ONCE,
  "UpdateCounter, capacity 20": AT_ONCE,
  "UpdateList, capacity": UPDATED,
  "UpdateList, values": `${UPDATED}; ${AT_ONCE}`,
  "UpdateList, a mask of no field": "Agones goes on with what Go calls the fields",
  "UpdateList, an empty mask":
    "AIP-134: what is set is meant. Agones answers and changes nothing, so `setListCapacity` of its Node client has no effect there",
  "SetPlayerCapacity -1": "refused as a counter's is; in Agones every PlayerConnect fails from then on",
  "Ready, of an allocated server": AT_ONCE,
  Shutdown: AT_ONCE,
  "WatchGameServer, with Ready, SetLabel and Allocate after each other":
    "RequestReady is Agones' controller at work; here is nothing to wait for",
  "Health once, then silence; Health again, and Ready":
    "a region replaces it at the first Unhealthy in both; where no leader is there to do it, a server that is well again stays in use",
};

const MAX_CELL = 150;

/**
 * One row for each thing done; what gRPC said, where both wires agree on whether the servers differ, else a row for each.
 * @throws {Error} for a difference without a reason, and for a reason without a difference
 */
export function rowsOf(agones: Seen, forge: Seen): readonly Row[] {
  const rows = Object.keys(forge).flatMap((what): Row[] => {
    const wires = (["gRPC", "REST"] as const).filter((wire) => forge[what]?.[wire] !== undefined);
    const cells = wires.map((wire) => ({ wire, agones: agones[what]?.[wire] ?? "", forge: forge[what]?.[wire] ?? "" }));
    const differ = cells.filter((cell) => cell.agones !== cell.forge);
    const shown = differ.length === 0 || differ.length === cells.length ? cells.slice(0, 1) : cells;
    return shown.map((cell) => ({
      what: shown.length > 1 ? `${what} (${cell.wire})` : what,
      agones: cell.agones,
      forge: cell.agones === cell.forge ? "the same" : cell.forge,
      why: cell.agones === cell.forge ? "" : (REASONS[what] ?? unexplained(what, cell)),
    }));
  });
  for (const what of Object.keys(REASONS)) {
    if (!rows.some((row) => row.what.startsWith(what) && row.why !== "")) {
      throw new Error(`${what}: has a reason, and both do the same`);
    }
  }
  return rows;
}

function unexplained(what: string, { agones, forge }: { readonly agones: string; readonly forge: string }): never {
  throw new Error(`${what}: Agones does ${agones}, Forge does ${forge}, and no reason is given`);
}

/** Forge's cells of a page, by what was done: as they are, or the same as Agones'. */
export function forgeCells(page: string): ReadonlyMap<string, string> {
  const lines = page.split("\n").filter((text) => text.startsWith("| ") && !text.startsWith("| done "));
  return new Map(
    lines.map((text): [string, string] => {
      const [, what = "", agones = "", forge = ""] = text.split(/(?<!\\)\|/).map((cell) => cell.trim());
      return [what, forge === "the same" ? agones : forge];
    }),
  );
}

export function renderRows(rows: readonly Row[]): string {
  const lines = rows.map(({ what, agones, forge, why }) =>
    line([what, code(agones), forge === "the same" ? forge : code(forge), why]),
  );
  return [line(["done", "Agones' SDK server", "Forge", "why it differs"]), "|---|---|---|---|", ...lines, ""].join(
    "\n",
  );
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`.replace(/ {2}\|$/, " |");
}

/** An answer as the page has it. */
export function code(text: string): string {
  const cut = text.length > MAX_CELL ? `${text.slice(0, MAX_CELL)}…` : text;
  return `\`${cut.replaceAll("|", "\\|")}\``;
}
