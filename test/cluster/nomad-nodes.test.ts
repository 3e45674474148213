import { spawn } from "node:child_process";
import { once } from "node:events";
import type { NodesResult } from "../../chaos/nodes/run";
import { TRIALS } from "../../chaos/nodes/trials";
import { ROOT } from "../e2e/run-folder";
import { recordFigure } from "../records";
import { skipUnless } from "../skips";
import { LONG_TESTS } from "./local-hosts";
import { findPart } from "./real-parts";

const PROGRAMS = {
  available: findPart("nomad") !== undefined && findPart("consul") !== undefined && process.getuid?.() === 0,
  reason: "nomad or consul is neither on PATH nor in Forge's cache, or this is not root",
};

skipUnless(
  "nodes of Nomad that are cut off, slowed, filled and killed",
  LONG_TESTS.available ? PROGRAMS.reason : LONG_TESTS.reason,
  LONG_TESTS.available && PROGRAMS.available,
)("a region on two real nodes of Nomad, each in a network of its own", () => {
  it("keeps every promise while nodes are cut off, slowed, filled and killed, and their players find other seats", async () => {
    const { code, out, err } = await chaosNodes();
    expect(err).toBe("");
    const { trials, broken, players } = JSON.parse(out) as NodesResult;
    expect(broken).toEqual([]);
    expect(trials.map(({ name }) => name)).toEqual(TRIALS.map(({ name }) => name));
    expect(players).toMatchObject({ doubled: 0 });
    expect(code).toBe(0);
    for (const { name, suspectMs, downMs, movedMs, nextSeatMs, agreedMs } of trials) {
      if (suspectMs !== null) recordFigure(`${name}: suspect after`, suspectMs, "ms");
      if (downMs !== null) recordFigure(`${name}: given up after`, downMs, "ms");
      if (movedMs !== null) recordFigure(`${name}: its players have other seats after`, movedMs, "ms");
      if (nextSeatMs !== null) recordFigure(`${name}: the next seat after`, nextSeatMs, "ms");
      if (agreedMs !== null) recordFigure(`${name}: undone, all agree after`, agreedMs, "ms");
    }
  }, 1_800_000);
});

/** `npm run chaos:nodes` as people start it, but for the build, which `npm test` has done. */
async function chaosNodes(): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const tsx = `${ROOT}/node_modules/.bin/tsx`;
  const child = spawn(tsx, ["chaos/nodes/main.ts", "--json"], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}
