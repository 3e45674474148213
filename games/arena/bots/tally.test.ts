import { seeded } from "./random";
import { Samples, Tally } from "./tally";

describe("the tally", () => {
  it("counts who does what now, and who ever played", () => {
    const tally = new Tally(seeded(1));
    tally.is("ann", "playing");
    tally.is("ben", "queued");
    tally.is("cid", "moving");
    tally.is("cid", "idle");
    tally.placed("ann");
    tally.placed("ann");
    expect(tally.line(3)).toMatchObject({
      type: "bots",
      target: 3,
      playing: 1,
      queued: 1,
      moving: 0,
      placed: 2,
      lost: 0,
    });
    expect(tally.summary()).toMatchObject({
      type: "botsSummary",
      players: 1,
      placed: 2,
      moved: 0,
      lost: 0,
      restored: 0,
    });
  });

  it("keeps reasons, but not endlessly many", () => {
    const tally = new Tally(seeded(1));
    for (let i = 0; i < 100; i++) tally.reason(`reason ${i}`);
    tally.reason("reason 0");
    expect(tally.reasons.size).toBe(50);
    expect(tally.reasons.get("reason 0")).toBe(2);
  });

  it("finds the middle and the tail, also among more samples than it keeps", () => {
    const samples = new Samples(seeded(1));
    expect(samples.summary()).toEqual({ p50: 0, p99: 0, count: 0 });
    for (let i = 1; i <= 100; i++) samples.add(i);
    expect(samples.summary()).toEqual({ p50: 51, p99: 100, count: 100 });
    for (let i = 0; i < 100_000; i++) samples.add(i % 1000);
    const { p50, p99 } = samples.summary();
    expect(Math.abs(p50 - 500)).toBeLessThan(30);
    expect(Math.abs(p99 - 990)).toBeLessThan(10);
  });
});
