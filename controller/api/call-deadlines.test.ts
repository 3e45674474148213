import { VirtualClock } from "../../protocol/virtual-clock";
import { CallDeadlines } from "./call-deadlines";

describe("call deadlines", () => {
  it("pass within a second of their time, each once, unless dropped", () => {
    const clock = new VirtualClock(0);
    const deadlines = new CallDeadlines(clock);
    const passed: [string, number][] = [];
    const note = (name: string) => () => void passed.push([name, clock.now()]);
    deadlines.add(1500, note("a"));
    const dropped = deadlines.add(500, note("b"));
    deadlines.add(2000, note("c"));
    deadlines.drop(dropped);
    clock.advance(10_000);
    expect(passed).toEqual([
      ["a", 2000],
      ["c", 2000],
    ]);
    deadlines.add(1, note("d"));
    clock.advance(1000);
    expect(passed).toHaveLength(3);
  });

  it("end with the API", () => {
    const clock = new VirtualClock(0);
    const deadlines = new CallDeadlines(clock);
    const passed: string[] = [];
    deadlines.add(1, () => passed.push("a"));
    deadlines.close();
    clock.advance(5000);
    expect(passed).toEqual([]);
  });
});
