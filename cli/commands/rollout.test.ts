import { useRunDouble } from "../../test/double/use-run-double";
import { sampleFleet } from "../../test/double/samples";

const here = useRunDouble("only");
const { forge, asked } = here;

const rolloutOf = (...args: readonly string[]) => forge("rollout", ...args);

it.each([
  [["arena@2", "--canary", "10%"], { version: "2", canary: 0.1 }],
  [["arena@2"], { version: "2" }],
  [["arena", "--promote"], { rollout: "promote" }],
  [["arena", "--canary", "0.5"], { canary: 0.5 }],
])("%j", async (args, change) => {
  expect(await rolloutOf(...args)).toMatchObject({ code: 0 });
  expect(asked("only")).toContainEqual({ type: "putFleet", experienceId: "arena", ...change });
});

it("says how far it is", async () => {
  const { code, out } = await rolloutOf("arena");
  expect([code, out]).toEqual([0, expect.stringContaining("no version is being taken in")]);
});

it("says how the last one ended, as one that went back by itself is not there any more", async () => {
  const ended = "version 3 was rolled back, because: 3 servers of version 3 failed";
  here.run.region("only").backend.when("getDecision", ({ id }) => ({
    ok: true,
    value: {
      id: "dec-only-1",
      at: "2026-03-01T12:00:00.000Z",
      kind: "rollout",
      subject: id,
      outcome: "rolledBack",
      reasons: ["since then, no change", `rollout: ${ended}`],
      considered: [],
    },
  }));
  const { code, out } = await rolloutOf("arena");
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(/no version is being taken in\n {2}version 3 was .* failed\n$/),
  ]);
  expect((await rolloutOf("arena", "--json")).json).toMatchObject({ experienceId: "arena", facts: [ended] });
});

it("says what servers of a version run that forge.toml need not know, and how to take it back", async () => {
  const rollout = {
    fromVersion: "1.0.0",
    toVersion: "9",
    state: "rolling" as const,
    share: 1,
    servers: { "1.0.0": 2 },
    failures: 0,
    paused: false,
    startedAt: "2026-01-01T00:00:00.000Z",
    reason: "asked for",
  };
  here.run
    .region("only")
    .backend.when("putFleet", () => ({ ok: true, value: sampleFleet({ region: "only", rollout }) }));
  const { code, out } = await rolloutOf("arena@9");
  expect([code, out]).toEqual([0, expect.stringContaining("forge.toml's entry with FORGE_VERSION=9,")]);
  expect(out).toContain("forge rollout arena --rollback --region only");
});

it.each([
  [["arena", "--pause", "--resume"], "--pause and --resume at once"],
  [["arena@2", "--rollback"], "--rollback beside a version or a share"],
  [["arena@2", "--canary", "120%"], "--canary 120% is no share of a fleet"],
])("refuses %j", async (args, problem) => {
  const { code, err } = await rolloutOf(...args);
  expect([code, err]).toEqual([2, expect.stringContaining(problem)]);
});
