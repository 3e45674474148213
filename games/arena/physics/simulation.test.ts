import fc from "fast-check";
import { FIELD, FIRST_NPC, FIRST_ORB, NPC_SPEED, PLAYER_SPEED, REACH, TICK_HZ } from "../rules";
import { readStepAnswer, readStepRequest, Simulation } from "./simulation";

describe("the simulation", () => {
  it("moves players and NPCs at their speeds, orbs never", () => {
    const simulation = new Simulation();
    simulation.step({ t: 1, put: [1, 500, 500, FIRST_NPC, 100, 500, FIRST_ORB, 900, 900] });
    simulation.step({ t: 2, go: [1, 1, 0, FIRST_NPC, 0, 1, FIRST_ORB, 1, 1] });
    const { at } = simulation.step({ t: 3 });
    expect(at).toEqual([1, 500 + (2 * PLAYER_SPEED) / TICK_HZ, 500, FIRST_NPC, 100, 500 + (2 * NPC_SPEED) / TICK_HZ]);
  });

  it("tells only what moved, and once of what was put", () => {
    const simulation = new Simulation();
    expect(simulation.step({ t: 1, put: [1, 10, 10, FIRST_ORB, 20, 30] }).at).toEqual([FIRST_ORB, 20, 30, 1, 10, 10]);
    expect(simulation.step({ t: 2 }).at).toEqual([]);
  });

  it("finds players who touch an orb or NPC, not each other", () => {
    const simulation = new Simulation();
    const put = [
      1,
      100,
      100,
      2,
      100,
      100,
      FIRST_ORB,
      100,
      100 + REACH,
      FIRST_ORB + 1,
      100,
      101 + REACH,
      FIRST_NPC,
      99,
      100,
    ];
    const { hit } = simulation.step({ t: 1, put });
    expect(hit).toEqual([1, FIRST_ORB, 1, FIRST_NPC, 2, FIRST_ORB, 2, FIRST_NPC]);
  });

  it("forgets what was taken off, and minds no orders to the unknown", () => {
    const simulation = new Simulation();
    simulation.step({ t: 1, put: [1, 100, 100] });
    const { at, hit } = simulation.step({ t: 2, off: [1, 7], go: [1, 1, 0, 9, 1, 1] });
    expect([at, hit, simulation.size]).toEqual([[], [], 0]);
  });

  it("keeps everything in the field, whatever is asked", () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -5000, max: 5000 });
    const share = fc.double({ noNaN: true, min: -1, max: 1 });
    fc.assert(
      fc.property(number, number, fc.array(fc.tuple(share, share), { maxLength: 50 }), (x, y, steps) => {
        const simulation = new Simulation();
        let told = simulation.step({ t: 0, put: [1, x, y] }).at;
        for (const [dx, dy] of steps) {
          const { at } = simulation.step({ t: 1, go: [1, dx, dy] });
          if (at.length > 0) told = at;
          expect(told[1]).toBeGreaterThanOrEqual(0);
          expect(told[1]).toBeLessThanOrEqual(FIELD);
          expect(told[2]).toBeGreaterThanOrEqual(0);
          expect(told[2]).toBeLessThanOrEqual(FIELD);
        }
      }),
    );
  });
});

describe("lines of the wire", () => {
  it("are steps and answers, or nothing", () => {
    expect(readStepRequest({ t: 1, go: [1, 0, 1] })).toEqual({ t: 1, put: [], off: [], go: [1, 0, 1] });
    expect(readStepAnswer({ t: 1, at: [], hit: [1, 2] })).toEqual({ t: 1, at: [], hit: [1, 2] });
    for (const no of [null, 7, {}, { t: "1" }, { t: 1, go: "x", at: "x" }, { t: 1, put: [null], hit: [null] }]) {
      expect(readStepRequest(no)).toBeUndefined();
      expect(readStepAnswer(no)).toBeUndefined();
    }
  });
});
