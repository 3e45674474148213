import fc from "fast-check";
import { seeded } from "../bots/random";
import { Simulation } from "../physics/simulation";
import { FIRST_NPC, NPC_POINTS, NPCS, ORB_POINTS, ORBS } from "../rules";
import { decodeState, encodeState, type State } from "../wire";
import { Match } from "./match";
import { readSavedMatch, readSavedPlayer } from "./saved";

/** What a client holds that has every delta since it came in. */
class View {
  readonly at = new Map<number, string>();
  readonly scores = new Map<number, number>();

  take(state: State): void {
    if (state.full) this.at.clear();
    for (const entity of state.gone) {
      this.at.delete(entity);
      this.scores.delete(entity);
    }
    for (let i = 0; i < state.moved.length; i += 3)
      this.at.set(state.moved[i] ?? 0, `${state.moved[i + 1]},${state.moved[i + 2]}`);
    for (let i = 0; i < state.scores.length; i += 2) this.scores.set(state.scores[i] ?? 0, state.scores[i + 1] ?? 0);
  }
}

function game(random = seeded(1), match = new Match(random)) {
  const simulation = new Simulation();
  const tick = (): State => match.apply(simulation.step(match.nextStep()));
  return { match, simulation, tick };
}

describe("a match", () => {
  it("gives points for orbs and NPCs, and puts them somewhere else", () => {
    const { match } = game();
    const ann = match.enter("ann");
    match.setNpcs(true);
    const [orb = 0, x = 0, y = 0] = match.whole().moved;
    match.nextStep();
    const { scores } = match.apply({ t: 1, at: [], hit: [ann, orb, ann, orb, ann, FIRST_NPC] });
    expect(scores).toEqual([ann, ORB_POINTS + NPC_POINTS]);
    const after = match.nextStep().put ?? [];
    expect(after[0]).toBe(orb);
    expect(after.slice(1, 3)).not.toEqual([x, y]);
  });

  it("lets the first have what two touch at once", () => {
    const { match } = game();
    const [ann, ben] = [match.enter("ann"), match.enter("ben")];
    const [orb = 0] = match.whole().moved;
    match.nextStep();
    match.apply({ t: 1, at: [], hit: [ann, orb, ben, orb] });
    expect(match.savedPlayer(ann)?.score).toBe(1);
    expect(match.savedPlayer(ben)?.score).toBe(0);
  });

  it("goes on where another server left it", () => {
    const { match, tick } = game();
    const ann = match.enter("ann", { x: 10, y: 20, score: 30, inputs: 40 });
    tick();
    match.steer(ann, 0, 0);
    expect(match.savedPlayer(ann)).toEqual({ x: 10, y: 20, score: 30, inputs: 41 });
    const next = new Match(seeded(2), readSavedMatch(JSON.stringify(match.saved())));
    expect(next.saved()).toEqual(match.saved());
    expect(readSavedPlayer(JSON.stringify(match.savedPlayer(ann)))).toEqual(match.savedPlayer(ann));
  });

  it("has NPCs only while an AI leads them", () => {
    const { match, tick, simulation } = game();
    match.setNpcs(true);
    match.setNpcs(true);
    tick();
    expect(match.positions().npcs).toHaveLength(NPCS * 3);
    match.setNpcs(false);
    expect(tick().gone).toHaveLength(NPCS);
    match.steerNpc(FIRST_NPC, 1, 0);
    tick();
    expect([match.positions().npcs.length, simulation.size]).toEqual([0, ORBS]);
  });

  it("shows a client with all deltas the same as one that just came, whatever happens", () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant("enter" as const) }),
      fc.record({ do: fc.constant("leave" as const), who: fc.nat(9) }),
      fc.record({ do: fc.constant("steer" as const), who: fc.nat(9), angle: fc.nat(7) }),
      fc.record({ do: fc.constant("npcs" as const), present: fc.boolean() }),
      fc.record({ do: fc.constant("tick" as const) }),
    );
    fc.assert(
      fc.property(fc.integer(), fc.array(action, { maxLength: 120 }), (seed, actions) => {
        const { match, tick, simulation } = game(seeded(seed));
        const entities: number[] = [];
        const view = new View();
        view.take(match.whole());
        const last = new Map<number, number>();
        for (const step of actions) {
          const who = "who" in step ? (entities[step.who % Math.max(1, entities.length)] ?? 0) : 0;
          if (step.do === "enter" && entities.length < 10) entities.push(match.enter(`player-${entities.length}`));
          if (step.do === "leave") match.leave(who);
          if (step.do === "leave") entities.splice(entities.indexOf(who), entities.includes(who) ? 1 : 0);
          if (step.do === "steer")
            match.steer(who, Math.cos((step.angle * Math.PI) / 4), Math.sin((step.angle * Math.PI) / 4));
          if (step.do === "npcs") match.setNpcs(step.present);
          if (step.do !== "tick") continue;
          const state = tick();
          for (const gone of state.gone) last.delete(gone);
          for (let i = 0; i < state.scores.length; i += 2) {
            const [entity = 0, score = 0] = [state.scores[i], state.scores[i + 1]];
            expect(score).toBeGreaterThanOrEqual(last.get(entity) ?? 0);
            last.set(entity, score);
          }
          view.take(decodeState(encodeState(state)) as State);
        }
        // What was picked up in the last tick is told in the next: stand still until nothing more happens.
        for (const entity of entities) match.steer(entity, 0, 0);
        for (let quiet = 0, ticks = 0; quiet < 3 && ticks < 50; ticks++) {
          const state = tick();
          view.take(state);
          quiet = state.scores.length === 0 ? quiet + 1 : 0;
        }
        const fresh = new View();
        fresh.take(match.whole());
        expect(new Map([...view.at].sort())).toEqual(new Map([...fresh.at].sort()));
        expect(new Map([...view.scores].sort())).toEqual(new Map([...fresh.scores].sort()));
        expect(simulation.size).toBe(fresh.at.size);
      }),
      { numRuns: 150 },
    );
  });
});

describe("saved states", () => {
  it.each([
    "",
    "null",
    "[]",
    "{",
    '{"x":1,"y":1,"score":-1,"inputs":0}',
    '{"x":5000,"y":1,"score":1,"inputs":0}',
    '{"x":1}',
  ])("that make no sense are left out: %s", (data) => {
    expect(readSavedPlayer(data)).toBeUndefined();
    expect(readSavedMatch(data)).toBeUndefined();
  });
});
