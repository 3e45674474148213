import fc from "fast-check";
import { HealthJudge, type HealthRules } from "./health-judge";

const rules: HealthRules = { intervalMs: 5_000, unhealthyThreshold: 3, healthyThreshold: 2 };

/** `+` succeeds, `-` fails, `!` is hopeless. What was said after which look. */
function told(judge: HealthJudge, looks: string): string {
  return [...looks]
    .map((look) => {
      const found = judge.judge(look === "+" ? { ok: true } : { ok: false, reason: "no", hopeless: look === "!" });
      return found.map(({ kind }) => kind[0]).join("") || ".";
    })
    .join("");
}

describe("a server's looks become findings", () => {
  test.each([
    ["its first success is ready", "+++", "r.."],
    ["however long it takes", "-----+", ".....r"],
    ["two failures are none", "+--+--+", "r......"],
    ["three in a row are", "+---", "r..u"],
    ["told once", "+-------", "r..u...."],
    ["two successes bring it back", "+---++", "r..u.h"],
    ["in a row", "+---+-+-++", "r..u.....h"],
    ["and it can fall ill again", "+---++---", "r..u.h..u"],
    ["what is hopeless is ill at once", "!!", "u."],
    ["also when it was well", "+!", "ru"],
  ])("%s", (_name, looks, findings) => expect(told(new HealthJudge(rules), looks)).toBe(findings));

  test.each([
    ["well", { ready: true, healthy: true }, "---", "..u"],
    ["ill", { ready: true, healthy: false }, "-++", "..h"],
    ["not ready yet", { ready: false, healthy: true }, "---+", "...r"],
  ])("one that is known to be %s goes on so", (_name, known, looks, findings) =>
    expect(told(new HealthJudge(rules, known), looks)).toBe(findings),
  );

  test("the reason tells how often, and the last cause", () => {
    const judge = new HealthJudge({ ...rules, unhealthyThreshold: 2 }, { ready: true, healthy: true });
    judge.judge({ ok: false, reason: "first" });
    expect(judge.judge({ ok: false, reason: "second" })).toEqual([
      { kind: "unhealthy", reason: "2 probes in a row failed, the last with: second" },
    ]);
  });

  test("a look's own findings come after the verdict", () => {
    const players = { kind: "players", count: 0, names: [] } as const;
    expect(new HealthJudge(rules).judge({ ok: true, findings: [players] })).toEqual([{ kind: "ready" }, players]);
  });

  test("ready comes once and first; then unhealthy and healthy take turns", () => {
    const looks = fc.array(fc.constantFrom("+", "-"), { maxLength: 200 }).map((all) => all.join(""));
    const thresholds = fc.record({
      unhealthyThreshold: fc.integer({ min: 1, max: 5 }),
      healthyThreshold: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(looks, thresholds, (all, { unhealthyThreshold, healthyThreshold }) => {
        const judge = new HealthJudge({ intervalMs: 5_000, unhealthyThreshold, healthyThreshold });
        const said = told(judge, all);
        expect(said.replaceAll(".", "")).toMatch(/^(r(uh)*u?)?$/);
        for (let at = 0; at < all.length; at++) {
          if (said[at] === "u") expect(all.slice(0, at + 1)).toMatch(new RegExp(`-{${unhealthyThreshold}}$`));
          if (said[at] === "h") expect(all.slice(0, at + 1)).toMatch(new RegExp(`\\+{${healthyThreshold}}$`));
        }
      }),
    );
  });
});

describe("the pause before the next look", () => {
  test("is short while it starts, then the interval, and a second in doubt", () => {
    const judge = new HealthJudge(rules);
    const pauses = (looks: string) =>
      [...looks].map((look) => {
        judge.judge(look === "+" ? { ok: true } : { ok: false, reason: "no" });
        return judge.pauseMs;
      });
    expect(judge.pauseMs).toBe(250);
    expect(pauses("-".repeat(50)).at(-1)).toBe(1_000);
    expect(pauses("+")).toEqual([5_000]);
    expect(pauses("--")).toEqual([1_000, 1_000]);
    expect(pauses("+")).toEqual([5_000]);
    expect(pauses("---")).toEqual([1_000, 1_000, 1_000]);
    expect(pauses("-++")).toEqual([1_000, 1_000, 5_000]);
  });

  test("is never longer than the interval", () => {
    const judge = new HealthJudge({ ...rules, intervalMs: 100 });
    for (const ok of [false, true, false, false, false, true]) {
      judge.judge(ok ? { ok } : { ok, reason: "no" });
      expect(judge.pauseMs).toBe(100);
    }
  });
});
