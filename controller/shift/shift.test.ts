import { VirtualClock } from "../../protocol/virtual-clock";
import { ProblemError } from "../problems";
import type { ShiftDeps } from "./shift";
import { AllocatorDouble, shiftForTest, StoreDouble, WISH } from "./for-test";

/** A controller's life: its shift, and Forge's own side, which may be told to fail. */
function world(clock: VirtualClock, store: StoreDouble, epoch: number, more: Partial<ShiftDeps> = {}) {
  const agones = new AllocatorDouble();
  const forge = { taken: [] as string[], isFull: false };
  const shift = shiftForTest(clock, { store, leads: () => ({ leader: true, epoch }), connect: () => agones, ...more });
  const place = async (matchId: string): Promise<string> => {
    const shifted = await shift.allocate({ experienceId: "arena", matchId }, () => {
      if (forge.isFull) return Promise.reject(new ProblemError("unavailable", "no server"));
      forge.taken.push(matchId);
      return Promise.resolve("a place");
    });
    return shifted?.source ?? "no plan";
  };
  return { shift, agones, forge, place };
}

let clock: VirtualClock;
let store: StoreDouble;
beforeEach(() => {
  clock = new VirtualClock(1_000_000);
  store = new StoreDouble();
});

const pass = async (seconds: number): Promise<void> => {
  for (let at = 0; at < seconds; at++) {
    clock.advance(1000);
    // Promises of the store, several behind each other.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
};

test("under load, with the controller killed in every step: none lost, shares exact to one a life, each match once", async () => {
  const source = new Map<string, string>();
  let epoch = 1;
  let life = world(clock, store, epoch);
  await life.shift.plan({ ...WISH, gate: { ...WISH.gate, holdSecs: 20 } });
  await life.shift.act("start", "ann");
  for (const percent of WISH.steps) {
    let forge = 0;
    const matches = 400;
    for (let at = 0; at < matches; at++) {
      const id = `${percent}-${at}`;
      source.set(id, await life.place(id));
      if (source.get(id) === "forge") forge += 1;
      if (at === 150) {
        // Killed: nothing is closed; the next leader has what was written alone.
        epoch += 1;
        life = world(clock, store, epoch);
      }
    }
    expect([percent, Math.abs(forge - (matches * percent) / 100) <= 2]).toEqual([percent, true]);
    expect((await life.shift.status()).plan).toMatchObject({ share: percent, epoch });
    life.shift.start();
    await pass(21);
    await life.shift.close();
    epoch += 1;
    life = world(clock, store, epoch);
  }
  expect([...source.values()].every((each) => each === "forge" || each === "agones")).toBe(true);
  const { plan } = await life.shift.status();
  expect(plan).toMatchObject({ state: "soaking", share: 100, signedOff: { by: "ann" } });
  clock.advance(2000);
  await life.shift.act("finish", "ann");
  expect(await life.place("after")).toBe("no plan");
});

test("a matchId asked again gets the same server, and takes no second one", async () => {
  const { shift, place, agones, forge } = world(clock, store, 1);
  await shift.plan({ ...WISH, steps: [50, 100] });
  await shift.act("start", "ann");
  const first = [await place("a"), await place("b")];
  expect(new Set(first)).toEqual(new Set(["forge", "agones"]));
  expect([await place("a"), await place("b")]).toEqual(first);
  expect([agones.taken.length, forge.taken.length]).toEqual([1, 1]);
});

test("an abort is one write, at once; where it cannot be written it holds here and is written later", async () => {
  const { shift, place } = world(clock, store, 1);
  await shift.plan({ ...WISH, steps: [100] });
  await shift.act("start", "ann");
  expect(await place("a")).toBe("forge");
  store.isCutOff = true;
  await shift.act("abort", "ann");
  expect(await place("b")).toBe("agones");
  store.isCutOff = false;
  const before = store.writes;
  shift.start();
  await pass(1);
  await shift.close();
  expect([store.writes - before, store.stored?.value]).toMatchObject([1, { state: "aborted", share: 0 }]);
});

test("nothing more goes to Forge that could not be written first", async () => {
  const { shift, place } = world(clock, store, 1);
  await shift.plan({ ...WISH, steps: [50, 100] });
  await shift.act("start", "ann");
  for (const id of ["a", "b"]) await place(id);
  store.isCutOff = true;
  shift.start();
  await pass(5);
  expect((await shift.status()).plan).toMatchObject({ share: 50, state: "running" });
  store.isCutOff = false;
  await pass(2);
  expect((await shift.status()).plan).toMatchObject({ share: 100, state: "soaking" });
  await shift.close();
});

test("where one side has no server the other gives one; where Forge fails too often it is taken back", async () => {
  const { shift, place, agones, forge } = world(clock, store, 1);
  await shift.plan({
    ...WISH,
    steps: [50, 100],
    gate: { ...WISH.gate, maxErrorRate: 0.1, minMatches: 5, holdSecs: 60 },
  });
  await shift.act("start", "ann");
  agones.isDown = true;
  expect([await place("a"), await place("b")]).toEqual(["forge", "forge"]);
  agones.isDown = false;
  forge.isFull = true;
  for (let at = 0; at < 20; at++) expect(await place(`m${at}`)).toBe("agones");
  shift.start();
  await pass(1);
  expect((await shift.status()).plan).toMatchObject({
    state: "aborted",
    share: 0,
    reason: expect.stringContaining("not placed"),
  });
  await shift.close();
});

test("a metric that goes away pauses; the share stays; resumed it goes on", async () => {
  let metric: number | "unknown" = 1;
  const { shift, place } = world(clock, store, 1, { metric: () => Promise.resolve(metric) });
  await shift.plan({
    ...WISH,
    steps: [50, 100],
    metric: { url: "http://prometheus.example", query: "errors", max: 2 },
  });
  await shift.act("start", "ann");
  for (const id of ["a", "b"]) await place(id);
  metric = "unknown";
  shift.start();
  await pass(3);
  expect((await shift.status()).plan).toMatchObject({ state: "paused", share: 50 });
  metric = 1;
  await shift.act("resume", "ann");
  for (const id of ["c", "d"]) await place(id);
  await pass(3);
  expect((await shift.status()).plan.state).toBe("soaking");
  await shift.close();
});

test("of two controllers the one with the lower epoch is refused", async () => {
  const old = world(clock, store, 1);
  await old.shift.plan(WISH);
  await old.shift.act("start", "ann");
  const next = world(clock, store, 2);
  await next.shift.status();
  await expect(old.shift.act("abort", "bob")).rejects.toThrow(/another controller|does not lead|later leader/);
  expect((await next.shift.status()).plan).toMatchObject({ state: "running", epoch: 2 });
});

test("a standby looks at nothing and warns of nothing, and looks once it leads", async () => {
  const warn = jest.fn();
  let leader = true;
  const more = { log: { info: () => undefined, warn }, leads: () => ({ leader, epoch: 1 }) };
  const { shift } = world(clock, store, 1, more);
  await shift.plan(WISH);
  await shift.act("start", "ann");
  shift.addLost("arena");
  leader = false;
  shift.start();
  await pass(3);
  expect(store.stored).toMatchObject({ value: { state: "running" } });
  expect(warn).not.toHaveBeenCalled();
  leader = true;
  await pass(2);
  expect(store.stored).toMatchObject({ value: { state: "aborted" } });
  await shift.close();
});

test("a plan whose certificates nobody can read, or that are half of a pair, is none", async () => {
  const connect = (): never => {
    throw new Error("/etc/forge/agones.pem cannot be read: ENOENT");
  };
  const { shift } = world(clock, store, 1, { connect });
  await expect(shift.plan(WISH)).rejects.toThrow("/etc/forge/agones.pem cannot be read: ENOENT");
  const half = { ...WISH, agones: { ...WISH.agones, tls: { certFile: "/a.pem" } } };
  await expect(shift.plan(half)).rejects.toThrow("certFile and keyFile go together");
});

test("a player lost is the way back", async () => {
  const { shift } = world(clock, store, 1);
  await shift.plan(WISH);
  await shift.act("start", "ann");
  shift.addLost("arena");
  shift.start();
  await pass(1);
  expect((await shift.status()).plan).toMatchObject({ state: "aborted", reason: "1 lost where 0 may be" });
  await shift.close();
});
