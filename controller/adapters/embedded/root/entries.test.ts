import { VirtualClock } from "../../../../protocol/virtual-clock";
import type { EntryView } from "../root-protocol";
import { Entries, RootRefusal } from "./entries";
import { FakeLauncher, pass, settled, specOf, taskOf, type FakeProcess } from "./fake-launcher";
import { SpawnPace } from "./spawn-pace";

function stage(past: EntryView[] = []) {
  const clock = new VirtualClock();
  const launcher = new FakeLauncher();
  const told: string[] = [];
  const swept: string[] = [];
  const kept = new Map<string, EntryView>();
  const stateFiles = {
    save: (view: EntryView) => void kept.set(view.id, view),
    remove: (id: string) => void kept.delete(id),
  };
  const entries = new Entries(past, {
    clock,
    launcher,
    pace: new SpawnPace(50, clock),
    stateFiles,
    tell: (event, { id }) => void told.push(`${event} ${id}`),
    sweepAllocation: (id) => void swept.push(id),
  });
  const run = async (changes: Parameters<typeof specOf>[0] = {}) => {
    const { start, spawned } = entries.add(specOf(changes));
    start();
    await settled();
    return { spawned, process: launcher.started.at(-1) as FakeProcess };
  };
  return { clock, launcher, told, swept, kept, entries, run };
}

const program = { id: "agent", kind: "program" as const, restart: "always" as const };
const ended = { exitCode: 1, signal: null };

describe("entries", () => {
  it("are one for each id", async () => {
    const { run, launcher, told } = stage();
    expect((await run()).spawned.created).toBe(true);
    expect((await run()).spawned).toMatchObject({ created: false, entry: { state: "running" } });
    expect(launcher.started).toHaveLength(1);
    expect(told).toEqual(["added server-1", "started server-1"]);
  });

  it("are told as added before anything is started", () => {
    const { entries, told, launcher } = stage();
    entries.add(specOf());
    expect(told).toEqual(["added server-1"]);
    expect(launcher.started).toEqual([]);
  });

  it("do not share what they claim", async () => {
    const { entries, run } = stage();
    await run({ id: "a", claims: ["port:1", "port:2"] });
    const refused = () => entries.add(specOf({ id: "b", claims: ["port:3", "port:2"] }));
    expect(refused).toThrow(RootRefusal);
    expect(refused).toThrow("port:2 is held by a");
    expect(entries.list().map(({ id }) => id)).toEqual(["a"]);
  });

  it("wait for one on its way out that holds what they claim", async () => {
    const { entries, run, launcher } = stage();
    const { process } = await run({ id: "a", claims: ["volume:world"] });
    entries.stop("a", 5);
    await run({ id: "b", claims: ["volume:world"] });
    expect(launcher.started).toHaveLength(1);
    expect(() => entries.add(specOf({ id: "c", claims: ["volume:world"] }))).toThrow("held by b");
    process.exit(ended);
    await settled();
    expect(entries.list()).toMatchObject([
      { id: "a", state: "ended" },
      { id: "b", state: "running" },
    ]);
  });

  it("can be stopped while they wait", async () => {
    const { entries, run, launcher } = stage();
    const { process } = await run({ id: "a", claims: ["volume:world"] });
    entries.stop("a", 5);
    await run({ id: "b", claims: ["volume:world"] });
    entries.stop("b", 5);
    process.exit(ended);
    await settled();
    expect(launcher.started).toHaveLength(1);
    expect(entries.list().map(({ state }) => state)).toEqual(["ended", "ended"]);
  });

  it("are forgotten once they have ended, at once or as soon as they have", async () => {
    const { entries, run, kept } = stage();
    const { process } = await run();
    entries.forget("server-1");
    expect(entries.list()).toHaveLength(1);
    entries.stop("server-1", 5);
    entries.forget("server-1");
    expect(entries.list()).toEqual([]);
    process.exit(ended);
    expect(kept.size).toBe(0);
    entries.forget("server-1");
    expect((await run()).spawned.created).toBe(true);
  });

  it("of an earlier root are known until forgotten", async () => {
    const past = { ...(await stage().run()).spawned.entry, state: "ended" as const };
    const { entries, run } = stage([past]);
    expect(entries.list()).toEqual([past]);
    expect((await run()).spawned).toEqual({ created: false, entry: past });
    entries.forget(past.id);
    expect(entries.list()).toEqual([]);
  });

  it("are looked after when they have ended: what left its process group is swept", async () => {
    const { run, swept } = stage();
    const { process } = await run({ tasks: [{ ...taskOf("primary"), env: { FORGE_ALLOCATION_ID: "alloc-7" } }] });
    process.exit(ended);
    expect(swept).toEqual(["alloc-7"]);
  });

  it("are all stopped at the end, and nothing new is taken on", async () => {
    const { entries, run, clock } = stage();
    await run({ id: "a" });
    await run(program);
    entries.close(3);
    expect(() => entries.add(specOf({ id: "late" }))).toThrow("Forge is stopping");
    expect(entries.allEnded).toBe(false);
    await pass(clock, 3_100);
    expect(entries.allEnded).toBe(true);
    await pass(clock, 10_000);
    expect(entries.list()).toMatchObject([{ state: "ended" }, { state: "ended", restarts: 0 }]);
  });
});

describe("programs", () => {
  it("start again after a wait that grows while they fail, and is short after a long run", async () => {
    const { run, clock, launcher, entries } = stage();
    await run(program);
    const waits: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      const before = launcher.started.length;
      launcher.started.at(-1)?.exit(ended);
      let waited = 0;
      for (; launcher.started.length === before; waited += 10) await pass(clock, 10);
      waits.push(waited);
      if (i === 2) await pass(clock, 11_000);
    }
    expect(waits).toEqual([100, 200, 400, 100]);
    expect(entries.list()).toMatchObject([{ id: "agent", restarts: 4, state: "running" }]);
  });

  it("stay ended when stopped, running or waiting", async () => {
    const { run, clock, launcher, entries, kept } = stage();
    const { process } = await run(program);
    process.exit(ended);
    entries.stop("agent", 5);
    await pass(clock, 20_000);
    expect(launcher.started).toHaveLength(1);
    expect(kept.size).toBe(0);
  });
});
