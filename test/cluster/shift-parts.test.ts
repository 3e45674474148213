import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../protocol/free-ports";
import { Consul } from "../../clients/consul";
import { shiftKey } from "../../config/region-names";
import { KvDocument } from "../../controller/adapters/consul/kv-document";
import type { ShiftPlan } from "../../controller/core/shift-plan";
import { AllocatorDouble, shiftForTest, WISH } from "../../controller/shift/for-test";
import { prometheusValue } from "../../controller/shift/prometheus-value";
import type { Shift } from "../../controller/shift/shift";
import { systemClock } from "../../protocol/clock";
import { VirtualClock } from "../../protocol/virtual-clock";
import { skipUnless } from "../skips";
import { ConsulAgent } from "./consul-agent";
import { findPart } from "./real-parts";

jest.setTimeout(90_000);

const consulProgram = findPart("consul");
const prometheusProgram = findPart("prometheus");
const PER_STEP = 200;

let folder: string;
let clock: VirtualClock;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-shift-"));
  clock = new VirtualClock(1_000_000);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A look at the plan a second later; what is asked afterwards waits for it. */
async function look(shift: Shift): Promise<void> {
  clock.advance(1000);
  await shift.status().catch(() => undefined);
}

async function place(shift: Shift, matchId: string): Promise<"forge" | "agones"> {
  const shifted = await shift.allocate({ experienceId: "arena", matchId }, () => Promise.resolve("a place"));
  if (shifted === undefined) throw new Error("there is no plan");
  return shifted.source;
}

skipUnless(
  "Consul",
  "consul is neither on PATH nor in Forge's cache",
  consulProgram !== undefined,
)("a shift whose plan is in real Consul", () => {
  let agent: ConsulAgent;
  let consul: Consul;
  beforeEach(async () => {
    agent = await ConsulAgent.start(consulProgram ?? "", folder);
    consul = new Consul({ address: agent.address }, { clock: systemClock, random: Math.random, env: {} });
  });
  afterEach(async () => {
    await consul.close();
    await agent.end();
  });

  const store = () => new KvDocument<ShiftPlan>(consul, shiftKey("us-east"));
  const life = (epoch: number): Shift =>
    shiftForTest(clock, {
      store: store(),
      leads: () => ({ leader: true, epoch }),
      connect: () => new AllocatorDouble(),
    });

  test("goes through all its steps, with a new leader in each and Consul killed in one: none lost, shares exact to one a life", async () => {
    let epoch = 1;
    let shift = life(epoch);
    await shift.plan({ ...WISH, gate: { ...WISH.gate, holdSecs: 5 } });
    await shift.act("start", "ann");
    for (const percent of WISH.steps) {
      let forge = 0;
      for (let at = 0; at < PER_STEP; at++) {
        if ((await place(shift, `${percent}-${at}`)) === "forge") forge += 1;
        // The leader is killed: nothing is closed, and the next one has what is in Consul alone.
        if (at === PER_STEP / 4) shift = life((epoch += 1));
        // Matches go on being shared out while Consul is away.
        if (percent === 25 && at === PER_STEP - 20) await agent.end("SIGKILL");
      }
      expect([percent, Math.abs(forge - (PER_STEP * percent) / 100) <= 2]).toEqual([percent, true]);
      if (percent === 25) await agent.run();
      shift.start();
      for (let second = 0; second < 7; second++) await look(shift);
      await shift.close();
      shift = life((epoch += 1));
    }
    const { plan, measured } = await shift.status();
    expect([plan.state, plan.share, measured.lost]).toEqual(["soaking", 100, 0]);
    // Whoever led before is refused.
    await expect(life(1).act("abort", "bob")).rejects.toThrow(/later leader|another controller/);
    expect((await shift.status()).plan.state).toBe("soaking");
  });

  test("is undone at once while Consul is away, and written when it is back", async () => {
    const shift = life(1);
    await shift.plan({ ...WISH, steps: [100] });
    await shift.act("start", "ann");
    expect(await place(shift, "a")).toBe("forge");
    await agent.end("SIGKILL");
    await shift.act("abort", "ann");
    expect(await place(shift, "b")).toBe("agones");
    await agent.run();
    shift.start();
    await look(shift);
    await look(shift);
    expect(await store().read()).toMatchObject({ value: { state: "aborted", share: 0 } });
    await shift.close();
  });
});

skipUnless(
  "Prometheus",
  "prometheus is neither on PATH nor in Forge's cache",
  prometheusProgram !== undefined,
)("a shift that looks at real Prometheus", () => {
  let prometheus: ChildProcess;
  let url: string;
  beforeEach(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${String(port)}`;
    writeFileSync(join(folder, "prometheus.yml"), "scrape_configs: []\n");
    const args = [`--config.file=${join(folder, "prometheus.yml")}`, `--storage.tsdb.path=${join(folder, "data")}`];
    prometheus = spawn(prometheusProgram ?? "", [...args, `--web.listen-address=127.0.0.1:${String(port)}`], {
      stdio: "ignore",
    });
    while (
      !(await fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ))
    )
      await pause(50);
  });
  afterEach(() => end());

  async function end(): Promise<void> {
    if (prometheus.exitCode !== null || prometheus.signalCode !== null) return;
    const ended = new Promise((resolve) => prometheus.once("exit", resolve));
    prometheus.kill("SIGKILL");
    await ended;
  }

  test("reads a value, nothing as nothing, and pauses where it is gone", async () => {
    expect(await prometheusValue(url, "vector(0.4)")).toBe(0.4);
    expect(await prometheusValue(url, "absent(vector(1))")).toBe("unknown");
    expect(await prometheusValue(url, "vector(0) / vector(0)")).toBe("unknown");
    expect(await prometheusValue(url, "no query (")).toBe("unknown");

    const shift = shiftForTest(clock, { metric: prometheusValue });
    const gate = { ...WISH.gate, holdSecs: 60 };
    await shift.plan({ ...WISH, gate, steps: [50, 100], metric: { url, query: "vector(0.4)", max: 0.5 } });
    await shift.act("start", "ann");
    for (const id of ["a", "b"]) await place(shift, id);
    shift.start();
    await look(shift);
    expect((await shift.status()).plan).toMatchObject({ state: "running", share: 50 });
    await end();
    await look(shift);
    await look(shift);
    expect((await shift.status()).plan).toMatchObject({ state: "paused", share: 50 });
    await shift.close();
  });
});
