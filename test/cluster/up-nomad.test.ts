import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { environment, FORGE, ROOT, RunFolder } from "../e2e/run-folder";
import type { Loose } from "../e2e/loose";
import { recordSummary } from "../records";
import { skipUnless } from "../skips";
import { PortSlot } from "./port-slot";
import { findPart, findProviderMirror } from "./real-parts";

const parts = {
  terraform: findPart("terraform"),
  nomad: findPart("nomad"),
  consul: findPart("consul"),
  vault: findPart("vault") ?? findPart("bao"),
  "provider nomad 2.5.2": findProviderMirror("nomad", "2.5.2"),
  "provider consul 2.22.1": findProviderMirror("consul", "2.22.1"),
  "provider vault 5.6.0": findProviderMirror("vault", "5.6.0"),
  root: process.getuid?.() === 0 ? "yes" : undefined,
};
const missing = Object.entries(parts).flatMap(([name, found]) => (found === undefined ? [name] : []));

const WITHIN_MS = 400_000;

skipUnless(
  "forge up on Nomad",
  `${missing.join(", ")} missing`,
  missing.length === 0,
)("forge up --engine nomad", () => {
  jest.setTimeout(WITHIN_MS);
  const sample = readFileSync(join(ROOT, "forge.toml"), "utf8");
  // One region: its agents are what takes time.
  const config = sample.replace(/\[\[regions\]\]\nname = "eu-west"[^[]*\[53.3, -6.3\]\n/, "");
  let folder: RunFolder;
  let ports: PortSlot;
  beforeAll(async () => {
    ports = await PortSlot.take(1);
    folder = new RunFolder(config);
  });
  afterAll(async () => {
    await folder.forge(["destroy", "--all", "--yes", "--engine", "nomad"], ports.env);
    folder.remove();
    ports.giveBack();
  });

  test("runs the demonstration on real Nomad, Consul and Vault, loses nobody, and leaves nothing", async () => {
    expect(config.match(/\[\[regions\]\]/g)).toHaveLength(1);
    const { code, lines, said } = await up("--for", "40", "--bots", "60");
    // What it said on the way is what a failure has to show.
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);

    expect(lines[0]?.ready).toMatchObject({ regions: { "us-east": expect.stringMatching(/^http:/) } });
    const { summary } = lines.at(-1) ?? {};
    expect(summary).toMatchObject({ regions: ["us-east"], playersLost: 0, maxSeatsOver: 0 });
    recordSummary(summary);
    expect(summary.serversSpawned).toBeGreaterThan(1);
    expect(summary.playersRouted).toBeGreaterThan(0);
    // Server, controller and agent were ended by SIGKILL on the way.
    const killed = lines.filter(({ type }) => type === "demo.killed").map(({ target }) => target);
    expect(killed).toEqual(expect.arrayContaining(["controller", "agent"]));

    expect(folder.processes()).toEqual([]);
    expect(readdirSync(join(folder.path, ".forge", "terraform"))).toEqual([]);
    expect(existsSync(join(folder.path, ".forge", "regions", "us-east"))).toBe(false);
  });

  /** To its end, with every line of its output. */
  function up(...args: readonly string[]): Promise<{ code: number | null; lines: readonly Loose[]; said: string }> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [FORGE, "up", "--engine", "nomad", "--json", ...args], {
        cwd: folder.path,
        env: environment(ports.env),
        stdio: ["ignore", "pipe", "pipe"],
      });
      let out = "";
      let said = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
      child.once("close", (code) => {
        const lines = out.split("\n").filter((line) => line !== "");
        resolve({ code, lines: lines.map((line) => JSON.parse(line)), said });
      });
    });
  }
});
