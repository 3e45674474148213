import { VirtualClock } from "../../../../protocol/virtual-clock";
import { pass, settled } from "./fake-launcher";
import { SpawnPace } from "./spawn-pace";

describe("SpawnPace", () => {
  it("lets a burst through, then so many a second, in order", async () => {
    const clock = new VirtualClock();
    const pace = new SpawnPace(5, clock);
    const started: number[] = [];
    for (let i = 0; i < 20; i += 1) void pace.turn().then(() => started.push(i));
    await settled();
    expect(started).toHaveLength(5);
    await pass(clock, 1_000);
    expect(started).toHaveLength(10);
    await pass(clock, 2_000);
    expect(started).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it("saves up no more than one burst, and loses nothing when the clock is set back", async () => {
    const clock = new VirtualClock();
    let setBack = 0;
    const pace = new SpawnPace(5, { now: () => clock.now() - setBack, after: (ms, run) => clock.after(ms, run) });
    await pass(clock, 10_000);
    const started: number[] = [];
    for (let i = 0; i < 8; i += 1) void pace.turn().then(() => started.push(i));
    await settled();
    expect(started).toHaveLength(5);
    setBack = 60_000;
    await pass(clock, 1_000);
    expect(started).toHaveLength(8);
  });
});
