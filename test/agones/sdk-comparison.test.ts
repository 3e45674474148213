import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findPart } from "../cluster/real-parts";
import { skipUnless } from "../skips";
import { seenOfAgones, seenOfForge, type Seen } from "./sdk-comparison";
import { code, forgeCells, renderRows, rowsOf } from "./sdk-table";

const PAGE = readFileSync(join(__dirname, "../../docs/agones-sdk.md"), "utf8");
const PROGRAM = findPart("agones-sdk-server");
/** "At once" and "later" are told apart by time, so a machine that stalls for half a second shows others: it is looked at again. */
const LOOKS = 4;

const cells = forgeCells(PAGE);

let forge: Seen;
beforeAll(async () => {
  for (let looks = 0; looks === 0 || (looks < LOOKS && differences().length > 0); looks++) forge = await seenOfForge();
}, 240_000);

/** What Forge answered and the page does not say: what was done, the answer, and the page's. */
function differences(): readonly (readonly string[])[] {
  return Object.entries(forge).flatMap(([what, by]) =>
    Object.entries(by).flatMap(([wire, answer]) => {
      const cell =
        cells.get(`${what} (${wire})`) ?? (wire === "gRPC" || by.gRPC === undefined ? cells.get(what) : undefined);
      return cell === undefined || cell === code(answer) ? [] : [[what, code(answer), cell]];
    }),
  );
}

it("answers as docs/agones-sdk.md says", () => {
  expect(cells.size).toBeGreaterThan(50);
  expect(differences()).toEqual([]);
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
    let seen = "";
    for (let looks = 0; looks < LOOKS && (seen === "" || !plain(PAGE).includes(seen)); looks++)
      seen = plain(await look().catch((error: Error) => error.message));
    expect(plain(PAGE)).toContain(seen);
    expect(seen).not.toBe("");
  }, 240_000);
});

/** Without what prettier makes of a table. */
function plain(table: string): string {
  return table
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[-| ]+\|$/.test(line))
    .map((line) => line.replace(/ +\|/g, " |").trim())
    .join("\n");
}
