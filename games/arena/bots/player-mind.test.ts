import { FIRST_ORB } from "../rules";
import type { State } from "../wire";
import { PlayerMind } from "./player-mind";

const state = (over: Partial<State>): State => ({ full: false, tick: 1, moved: [], scores: [], gone: [], ...over });
const whole = (tick: number): State =>
  state({ full: true, tick, moved: [1, 100, 100, FIRST_ORB, 200, 100], scores: [1, 5, 2, 9] });

function mind(): PlayerMind {
  const made = new PlayerMind();
  made.begin(1, 0);
  expect(made.learn(whole(10), 0)).toEqual({ ok: true, missed: 0 });
  return made;
}

describe("what a bot knows", () => {
  it("is its own score, and how many ticks it missed", () => {
    const made = mind();
    expect(made.score).toBe(5);
    expect(made.learn(state({ tick: 11, scores: [2, 50, 1, 6] }), 50)).toEqual({ ok: true, missed: 0 });
    expect(made.learn(state({ tick: 14 }), 200)).toEqual({ ok: true, missed: 2 });
    const later = { ...whole(40), scores: [1, 6] };
    expect(made.learn(later, 1000)).toEqual({ ok: true, missed: 0 });
    expect(made.score).toBe(6);
  });

  it.each([
    ["out of order", state({ tick: 10 })],
    ["in which its score fell", state({ tick: 11, scores: [1, 4] })],
    ["without itself", state({ tick: 11, gone: [1] })],
    ["a whole one without itself", state({ full: true, tick: 11 })],
  ])("shows a state %s to be wrong", (name, wrong) => {
    const made = mind();
    if (name.startsWith("a whole")) made.begin(1, 0);
    expect(made.learn(wrong, 50).ok).toBe(false);
  });

  it("remembers which score it had when", () => {
    const made = mind();
    made.remember(7, 1_000);
    made.remember(9, 3_000);
    expect([-1, 0, 999, 1_000, 2_999, 9_999].map((at) => made.scoreAt(at))).toEqual([0, 5, 5, 7, 7, 9]);
    made.reset();
    expect([made.score, made.scoreAt(9_999), made.playedForMs(9_999)]).toEqual([0, 0, 0]);
  });

  it("forgets scores of over a minute ago", () => {
    const made = mind();
    for (let second = 1; second <= 200; second++) made.remember(5 + second, second * 1_000);
    expect(made.scoreAt(100_000)).toBe(0);
    expect(made.scoreAt(150_000)).toBe(155);
  });

  it("leads to the nearest orb", () => {
    expect(mind().steer(() => 0.5)).toEqual({ dx: 1, dy: 0 });
    expect(new PlayerMind().steer(() => 0.5)).toEqual({ dx: 0, dy: 0 });
  });
});
