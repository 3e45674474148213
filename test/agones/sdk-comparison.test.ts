import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findPart } from "../cluster/real-parts";
import { skipUnless } from "../skips";
import { seenOfAgones, seenOfForge, type Seen } from "./sdk-comparison";
import { code, forgeCells, renderRows, rowsOf } from "./sdk-table";

const PAGE = readFileSync(join(__dirname, "../../docs/agones-sdk.md"), "utf8");
const PROGRAM = findPart("agones-sdk-server");

let forge: Seen;
beforeAll(async () => {
  forge = await seenOfForge();
}, 60_000);

it("answers as docs/agones-sdk.md says", () => {
  const cells = forgeCells(PAGE);
  expect(cells.size).toBeGreaterThan(50);
  for (const [what, by] of Object.entries(forge)) {
    for (const [wire, answer] of Object.entries(by)) {
      const cell =
        cells.get(`${what} (${wire})`) ?? (wire === "gRPC" || by.gRPC === undefined ? cells.get(what) : undefined);
      if (cell !== undefined) expect([what, code(answer)]).toEqual([what, cell]);
    }
  }
  expect([...cells.keys()].map((what) => what.replace(/ \((gRPC|REST)\)$/, ""))).toEqual(
    expect.arrayContaining(Object.keys(forge)),
  );
});

skipUnless(
  "Agones' SDK server",
  "agones-sdk-server is neither on PATH nor in Forge's cache; docs/testing.md says how it is built",
  PROGRAM !== undefined,
)("side by side with Agones' own SDK server", () => {
  it("differs only where there is a reason, as the page has it", async () => {
    const look = async (): Promise<string> => renderRows(rowsOf(await seenOfAgones(PROGRAM ?? ""), forge));
    const first = plain(await look().catch((error: Error) => error.message));
    // What Agones shows "later" shows at once where this machine has stalled for half a second: it gets a second look.
    expect(plain(PAGE)).toContain(plain(PAGE).includes(first) && first !== "" ? first : plain(await look()));
  }, 90_000);
});

/** Without what prettier makes of a table. */
function plain(table: string): string {
  return table
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[-| ]+\|$/.test(line))
    .map((line) => line.replace(/ +\|/g, " |").trim())
    .join("\n");
}
