import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ForgeRun, type RunEnd } from "./forge-run";
import type { LooseRecord } from "./loose";
import { recordSummary } from "../records";
import { ROOT } from "./run-folder";

jest.setTimeout(240_000);

const SAMPLE = readFileSync(join(ROOT, "forge.toml"), "utf8");
const BOTS = 200;
/** In half of it a busy machine had just started the servers of the wave's height, and one that was killed last was not back. */
const SECS = 60;
const MS = { p50: expect.any(Number), p99: expect.any(Number) };

/** The sample's demonstration from its first line to its last. */
async function demonstrate(args: readonly string[]): Promise<{ run: ForgeRun; end: RunEnd; summary: LooseRecord }> {
  const run = await ForgeRun.start({
    config: SAMPLE,
    args: ["--for", `${SECS}`, "--bots", `${BOTS}`, ...args],
  });
  try {
    const end = await run.ended;
    return { run, end, summary: run.lines.at(-1)?.["summary"] ?? {} };
  } finally {
    await run.dispose();
  }
}

/** What every demonstration must show, whatever its programs run in. */
function expectGoodRun({ run, end, summary }: { run: ForgeRun; end: RunEnd; summary: LooseRecord }): void {
  expect(end).toEqual({ code: 0, signal: null, left: [] });
  recordSummary(summary);
  expect(run.strange).toEqual([]);
  expect(run.lines[0]).toEqual({
    ready: {
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      token: expect.any(String),
      regions: { "us-east": run.url, "eu-west": expect.stringMatching(/^http:/) },
      processes: expect.any(Object),
    },
  });
  expect(summary).toMatchObject({
    regions: ["us-east", "eu-west"],
    playersLost: 0,
    maxSeatsOver: 0,
    serversKilled: 1,
    spawnMs: MS,
    routeMs: MS,
  });
  for (const name of ["serversSpawned", "scaleUps", "scaleDowns", "playersMoved"])
    expect([name, summary[name]]).toEqual([name, expect.any(Number)]);
  // On a busy machine not every bot's turn comes in so short a time: with 20 programs for each core it was half of them.
  expect(summary["bots"]).toBeGreaterThanOrEqual(0.25 * BOTS);
  expect(summary["playersRouted"]).toBeGreaterThanOrEqual(summary["bots"]);
  expect(Math.min(summary["scaleUps"], summary["scaleDowns"], summary["playersMoved"])).toBeGreaterThan(0);
  expect(summary["serversSpawned"]).toBeGreaterThan(2);

  // The summary is not taken on trust: the events say the same.
  const { tap } = run;
  expect(tap.all({ type: "session.lost" })).toEqual([]);
  expect(tap.all({ type: "session.moved" })).toHaveLength(summary["playersMoved"]);
  expect(tap.all({ type: "scaling", action: "down" })).toHaveLength(summary["scaleDowns"]);
  const [killed] = killedIn(run, "server");
  expect(killed?.["players"]).toBeGreaterThan(0);
  const steps = tap.all({ type: "failover", serverId: killed?.["id"] }).map(({ step }) => step);
  expect(steps).toEqual(["detect", "isolate", "migrate", "terminate", "replace"]);
}

function killedIn(run: ForgeRun, target: string): LooseRecord[] {
  return run.lines.filter((line) => line["type"] === "demo.killed" && line["target"] === target);
}

describe("forge up with the sample's demonstration", () => {
  test("two regions, 200 bots, up and down, a server killed: nobody lost, no seat over, nothing left", async () => {
    const shown = await demonstrate([]);
    expectGoodRun(shown);
    expect(new Set(Object.values(shown.run.ready.processes))).toEqual(new Set([shown.run.pid]));
  });

  test("the same in separate processes, with the controller and then the agent killed too", async () => {
    const shown = await demonstrate(["--processes"]);
    expectGoodRun(shown);
    const { run } = shown;
    const { processes } = run.ready;
    expect(new Set(Object.values(processes)).size).toBe(6);
    expect(killedIn(run, "controller")).toEqual([expect.objectContaining({ pid: processes["controller.us-east"] })]);
    expect(killedIn(run, "agent")).toEqual([expect.objectContaining({ pid: processes["agent.us-east"] })]);
    // Both came back: the controller leads with a higher epoch, and the agent has connected to it.
    const leads = run.tap.all({ type: "leader.changed", region: "us-east" });
    const epochs = leads.map(({ detail }) => detail["epoch"] as number);
    expect(epochs).toEqual([1, 2]);
    // An agent that is there before its controller leads is told of by no event, but this one led all the while.
    const sinceKilled = run.lines.slice(
      run.lines.findIndex(({ type, target }) => type === "demo.killed" && target === "agent"),
    );
    expect(sinceKilled).toContainEqual(expect.objectContaining({ type: "node.connected", region: "us-east" }));
  });
});
