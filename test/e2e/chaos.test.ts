import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ChaosResult } from "../../chaos/run";
import { LONG_TESTS } from "../cluster/local-hosts";
import { skipUnless } from "../skips";

const HOME = join(__dirname, "..", "..");

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `npm run chaos` as people start it, but for the build, which `npm test` has done. */
async function chaos(
  args: readonly string[],
  onOut: (text: string, stop: () => void) => void = () => undefined,
): Promise<Ended> {
  const child = spawn(join(HOME, "node_modules", ".bin", "tsx"), ["chaos/main.ts", ...args], {
    cwd: HOME,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    onOut(out, () => child.kill("SIGINT"));
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

it("keeps every promise while controllers, agents, gates and servers are killed", async () => {
  const { code, out, err } = await chaos([
    "--seed",
    "11",
    "--minutes",
    "0.15",
    "--regions",
    "1",
    "--bots",
    "4",
    "--only",
    "kill",
    "--json",
  ]);
  expect(err).toBe("");
  const { faults, broken, players, agreedMs } = JSON.parse(out) as ChaosResult;
  expect(broken).toEqual([]);
  expect(faults.length).toBeGreaterThan(0);
  expect(players).toMatchObject({ lost: 0, doubled: 0, overCapacity: 0 });
  expect(players.placed).toBeGreaterThan(0);
  expect(agreedMs).not.toBeNull();
  expect(code).toBe(0);
}, 180_000);

skipUnless(
  "a long run of chaos",
  LONG_TESTS.reason,
  LONG_TESTS.available,
)("chaos", () => {
  it("keeps every promise through all faults that this machine can do", async () => {
    const { code, out, err } = await chaos(["--seed", "3", "--minutes", "5", "--json"]);
    expect(err).toBe("");
    const { faults, broken, players } = JSON.parse(out) as ChaosResult;
    expect(broken).toEqual([]);
    expect(faults.length).toBeGreaterThan(15);
    expect(players).toMatchObject({ lost: 0, doubled: 0, overCapacity: 0 });
    expect(code).toBe(0);
  }, 600_000);

  it("ends in order when it is stopped, and says so", async () => {
    let stopped = false;
    const { code, out, err } = await chaos(["--minutes", "5", "--regions", "1"], (text, stop) => {
      if (stopped || !/ for [0-9.]+ s$/m.test(text)) return;
      // Once: at a second signal what runs it waits no longer, and its folder stays.
      stopped = true;
      stop();
    });
    expect(err).toBe("");
    expect(out).toContain("stopped before its end");
    expect(code).toBe(130);
  }, 180_000);
});
