import * as fc from "fast-check";
import { VirtualClock } from "../../../protocol/virtual-clock";
import type { LeadershipChange } from "../../leadership";
import { ConsulLeadership } from "./consul-leadership";
import { LockDouble, type Fate } from "./lock-double";
import { CHECK_MS } from "./lock-state";

const STEP_MS = 20;

/** Candidates for one lock, in virtual time. */
class Election {
  readonly clock = new VirtualClock(1_700_000_000_000);
  readonly consul = new LockDouble(this.clock);
  readonly candidates = new Map<string, ConsulLeadership>();
  readonly told = new Map<string, LeadershipChange[]>();
  readonly troubles: (string | undefined)[] = [];
  seenEpoch = 0;
  onTold: (who: string, change: LeadershipChange) => void = () => undefined;
  onStep: () => void = () => undefined;

  join(who: string): ConsulLeadership {
    const candidate = new ConsulLeadership({
      controllerId: who,
      lock: this.consul.candidate(who),
      clock: this.clock,
      random: () => 0.5,
      seenEpoch: () => this.seenEpoch,
      onTrouble: (problem) => this.troubles.push(problem),
    });
    this.candidates.set(who, candidate);
    this.told.set(who, []);
    void candidate.start((change) => {
      this.told.get(who)?.push(change);
      this.onTold(who, change);
    });
    return candidate;
  }

  last(who: string): LeadershipChange | undefined {
    return this.told.get(who)?.at(-1);
  }

  async run(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      this.clock.advance(STEP_MS);
      this.consul.expire();
      await new Promise((resolve) => setImmediate(resolve));
      this.onStep();
    }
  }
}

describe("leadership by a lock", () => {
  it("one leads, the other knows where, and takes over above its epoch when it is gone", async () => {
    const election = new Election();
    const first = election.join("a");
    await election.run(200);
    election.join("b");
    await election.run(1000);
    expect(election.last("a")).toEqual({ leader: true, epoch: 1, holding: false });
    expect(election.last("b")).toEqual({ leader: false, epoch: 0, leaderUrl: "http://a" });
    await Promise.all([first.close(), election.run(500)]);
    expect(election.last("a")).toEqual({ leader: false, epoch: 1 });
    expect(election.last("b")).toEqual({ leader: true, epoch: 2, holding: false });
  });

  it("leads above what agents have seen and what Consul remembers", async () => {
    const election = new Election();
    election.consul.epoch = 7;
    election.seenEpoch = 40;
    const only = election.join("a");
    await election.run(500);
    expect(election.last("a")).toMatchObject({ leader: true, epoch: 41 });
    only.outrun(99);
    expect(election.last("a")).toMatchObject({ leader: false });
    await election.run(500);
    expect(election.last("a")).toMatchObject({ leader: true, epoch: 100 });
  });

  it("holds on while Consul is away, for 30 s, and goes on with its epoch where nobody has led since", async () => {
    const election = new Election();
    election.join("a");
    await election.run(500);
    election.consul.cutOff.add("a");
    await election.run(3000);
    expect(election.last("a")).toEqual({ leader: true, epoch: 1, holding: true });
    election.consul.cutOff.clear();
    await election.run(3000);
    expect(election.told.get("a")).toEqual([
      { leader: false, epoch: 0 },
      { leader: true, epoch: 1, holding: false },
      { leader: true, epoch: 1, holding: true },
      { leader: true, epoch: 1, holding: false },
    ]);
    election.consul.cutOff.add("a");
    await election.run(33_000);
    expect(election.last("a")).toMatchObject({ leader: false });
    expect(election.troubles).toEqual(["no answer", undefined, "no answer"]);
  });

  it("stops to be sure at once when its session is ended by hand, and yields to who takes the lock", async () => {
    const election = new Election();
    election.join("a");
    await election.run(500);
    election.join("b");
    await election.run(1000);
    election.consul.end(election.consul.holder?.session ?? "");
    await election.run(200);
    expect(election.last("b")).toEqual({ leader: true, epoch: 2, holding: false });
    expect(election.last("a")).toMatchObject({ leader: false, leaderUrl: "http://b" });
  });

  it("is not sure of anything after it was stopped for longer than its check lives", async () => {
    const election = new Election();
    const only = election.join("a");
    await election.run(1000);
    expect(only.certainUntilMs()).toBeGreaterThan(election.clock.now());
    expect(only.certainUntilMs()).toBeLessThanOrEqual(election.clock.now() + CHECK_MS);
  });
});

const delay = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 60 }) }, fc.integer({ min: 0, max: 950 }));
const lost = fc.oneof(
  { weight: 8, arbitrary: fc.constant("nothing" as const) },
  fc.constantFrom("answer" as const, "question" as const),
);
const fate: fc.Arbitrary<Fate> = fc.record({ outMs: delay, backMs: delay, lost });
const incident = fc.record({
  do: fc.constantFrom(
    "run" as const,
    "cut a" as const,
    "cut b" as const,
    "cut both" as const,
    "end" as const,
    "outrun" as const,
  ),
  ms: fc.integer({ min: 100, max: 5000 }),
});
type Incident = typeof incident extends fc.Arbitrary<infer T> ? T : never;

/** Two candidates through whatever the network and people do. */
async function storm(fates: readonly Fate[], incidents: readonly Incident[], byHand: boolean): Promise<void> {
  const election = new Election();
  const owner = new Map<number, string>();
  const broken: string[] = [];
  let calls = 0;
  election.consul.fate = () => fates[calls++ % fates.length] ?? { outMs: 1, backMs: 1, lost: "nothing" };
  election.onTold = (who, { leader, epoch, holding }) => {
    if (!leader) return;
    if ((owner.get(epoch) ?? who) !== who) broken.push(`${who} leads with epoch ${epoch} of ${owner.get(epoch)}`);
    owner.set(epoch, who);
    // Not every agent is connected to everybody: what one has seen is not always known.
    if (epoch % 3 === 0) election.seenEpoch = Math.max(election.seenEpoch, epoch);
    if (!holding && (election.candidates.get(who)?.certainUntilMs() ?? 0) <= election.clock.now())
      broken.push(`${who} leads and is not sure of it`);
  };
  election.onStep = () => {
    const sure = [...election.candidates].filter(([, each]) => each.certainUntilMs() > election.clock.now());
    if (sure.length > 1 && !byHand) broken.push(`two are sure at ${election.clock.now()}`);
  };
  election.join("a");
  election.join("b");
  for (const { do: what, ms } of incidents) {
    for (const who of ["a", "b"]) if (what === `cut ${who}` || what === "cut both") election.consul.cutOff.add(who);
    if (what === "end" && byHand) election.consul.end(election.consul.holder?.session ?? "");
    if (what === "outrun") {
      election.seenEpoch += 3;
      for (const candidate of election.candidates.values()) candidate.outrun(election.seenEpoch);
    }
    await election.run(ms);
    election.consul.cutOff.clear();
  }
  election.consul.fate = () => ({ outMs: 1, backMs: 1, lost: "nothing" });
  await election.run(12_000);
  const leading = ["a", "b"].filter((who) => election.last(who)?.leader && !election.last(who)?.holding);
  expect({ broken, leading: leading.length }).toEqual({ broken: [], leading: 1 });
  await Promise.all([...election.candidates.values()].map((each) => each.close()).concat(election.run(2000)));
}

describe("whatever happens to two candidates", () => {
  it.each([[false], [true]])(
    "no epoch has two leaders, and one leads in the end (sessions ended by hand: %p)",
    async (byHand) => {
      const fates = fc.array(fate, { minLength: 1, maxLength: 40 });
      const incidents = fc.array(incident, { minLength: 2, maxLength: 16 });
      await fc.assert(
        fc.asyncProperty(fates, incidents, (some, happen) => storm(some, happen, byHand)),
        { numRuns: 60 },
      );
    },
    60_000,
  );
});
