import { Records } from "./records";
import { SCORE_PARTS } from "./route-ring";

const trace = (subject: string, atMs: number) => ({
  atMs,
  subject,
  outcome: "s1",
  reasons: ["pack"],
  servers: [{ id: "s1" }, { id: "s2" }],
  parts: [4, 0.5, 0.5, 0.5, 3, 1, 0, 0],
});
let n = 0;
const records = (): Records => new Records((kind) => `${kind}-${String(++n)}`);

it("makes a route's record only where someone asks", () => {
  const kept = records();
  expect(kept.route(trace("a", 1), true)).toBeDefined();
  expect(kept.route(trace("b", 2), true)).toBeUndefined();
  expect(kept.find("b")).toMatchObject({
    kind: "route",
    outcome: "s1",
    considered: [
      { id: "s1", score: 5.5, parts: { players: 4, cpu: 0.5, memory: 0.5, latency: 0.5 } },
      { id: "s2", score: 4 },
    ],
  });
  expect(SCORE_PARTS).toHaveLength(4);
});

it("tells every unusual route", () => {
  const kept = records();
  kept.route(trace("a", 1), true);
  const told = kept.route(trace("b", 2), false);
  expect(kept.find(told?.id ?? "")).toEqual(told);
});

it("finds the newest about a subject, and forgets the oldest", () => {
  const kept = records();
  const first = kept.make(1, { kind: "scale", subject: "arena", outcome: "up", reasons: ["x"] });
  const second = kept.make(2, { kind: "scale", subject: "arena", outcome: "down", reasons: ["y"] });
  expect(kept.find("arena")).toBe(second);
  expect(kept.find(first.id)).toBe(first);
  for (let i = 0; i < 5000; i++) kept.make(3, { kind: "stop", subject: `s${String(i)}`, outcome: "", reasons: [] });
  expect(kept.find(first.id)).toBeUndefined();
  for (let i = 0; i < 5000; i++) kept.route(trace(`p${String(i)}`, 4), true);
  expect(kept.find("p1")).toBeUndefined();
  expect(kept.find("p4999")).toBeDefined();
});
