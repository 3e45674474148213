import { tmpdir } from "node:os";
import { runForTest } from "../cli-under-test";

const sim = (...flags: readonly string[]) =>
  runForTest(["sim", "--seeds", "1", "--steps", "50", ...flags], { cwd: tmpdir() });

it("counts the cells that seeds did not meet which were not asked to meet all", async () => {
  const { code, json } = await sim("--json");
  const { emptyCells } = json as { readonly emptyCells: readonly string[] };
  expect([code, emptyCells.length]).toEqual([0, expect.any(Number)]);
  expect((await sim()).out).toContain(`\nnot met: ${emptyCells.length} of the table's cells; --cells meets all\n`);
});
