import { arena, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import { testExperience } from "./testing/settings-double";
import type { RolloutPolicy } from "../../config/config";
import type { AllocationRequest } from "./allocation";
import type { Server } from "./resources";

/** A fleet of eight servers without players, given away whole, as Agones' are. */
function fleet(rollout: Partial<RolloutPolicy>, scaling: object): RegionDouble {
  const r = arena({
    sdk: "agones",
    seats: "match",
    rollout: { ...testExperience("arena").rollout, ...rollout },
    scaling: { maxServers: 100, scaleDownCooldownSecs: 600, ...scaling },
  });
  r.advance(60_000);
  return r;
}

const live = (r: RegionDouble): Server[] => r.must<Server[]>(servers).filter(({ state }) => state !== "terminated");
const EIGHT_FREE = { minServers: 0, buffer: { kind: "servers", servers: 8 } };

/** The most there were at once, the fewest that were up, and what is left; one server after the other comes up. */
function takeIn(r: RegionDouble): { most: number; least: number; left: Record<string, number> } {
  let most = 0;
  let least = Infinity;
  const look = (): void => {
    const staying = live(r).filter(({ state }) => state !== "draining");
    most = Math.max(most, staying.length);
    least = Math.min(least, staying.filter(({ state }) => state !== "starting").length);
  };
  r.autoReady = false;
  r.must({ type: "putFleet", experienceId: "arena", version: "2" });
  for (let step = 0; step < 100; step++) {
    look();
    const next = live(r).find(({ state }) => state === "starting")?.id;
    if (next !== undefined) r.agentOf(next).becomeReady(next, r.nowMs);
    r.run().advance(200);
  }
  const left: Record<string, number> = {};
  for (const { version } of live(r)) left[version] = (left[version] ?? 0) + 1;
  return { most, least, left };
}

const servers2 = { kind: "servers", servers: 2 } as const;

it.each([
  ["the buffer's", EIGHT_FREE],
  ["the minimum's", { minServers: 8 }],
])("never has more than its surge beside %s servers", (_, scaling) => {
  const seen = takeIn(fleet({ maxSurge: servers2 }, scaling));
  expect(seen).toEqual({ most: 10, least: 8, left: { 2: 8 } });
});

it("closes as many before others are up as may be missing", () => {
  const seen = takeIn(fleet({ maxSurge: { kind: "servers", servers: 1 }, maxUnavailable: servers2 }, EIGHT_FREE));
  expect(seen.most).toBeLessThanOrEqual(9);
  expect(seen.least).toBe(6);
  expect(seen.left).toEqual({ 2: 8 });
});

it("recreates a fleet: all empty servers go at once, and as many start", () => {
  const r = fleet({ strategy: "recreate" }, EIGHT_FREE);
  r.must({ type: "putFleet", experienceId: "arena", version: "2" });
  r.advance(100);
  const now = live(r).filter(({ state }) => state !== "draining");
  expect(now.filter(({ version }) => version === "1").length).toBeLessThanOrEqual(1);
  expect(now.filter(({ version }) => version === "2")).toHaveLength(8);
  r.advance(60_000);
  expect(live(r).map(({ version }) => version)).toEqual(Array.from({ length: 8 }, () => "2"));
});

const allocation: AllocationRequest = {
  selectors: [
    {
      ...{ state: "Ready", matchLabels: { "agones.dev/fleet": "arena" }, matchExpressions: [] },
      ...{ players: { minAvailable: 0, maxAvailable: 0 }, counters: {}, lists: {} },
    },
  ],
  ...{ scheduling: "packed", priorities: [], labels: {}, annotations: {}, change: { counters: {}, lists: {} } },
};

it.each(["rolling", "recreate"] as const)("%s: leaves allocated servers to their match", (strategy) => {
  const r = fleet({ strategy, maxUnavailable: { kind: "share", share: 1 } }, EIGHT_FREE);
  const taken = [1, 2, 3].map(() => r.must<Server>({ type: "allocateServer", request: allocation }).id).sort();
  r.advance(30_000);
  r.must({ type: "putFleet", experienceId: "arena", version: "2" });
  r.advance(60_000);
  const old = live(r).filter(({ version }) => version === "1");
  expect(old.map(({ id, state }) => [id, state]).sort()).toEqual(taken.map((id) => [id, "allocated"]));
  expect(live(r).filter(({ version, state }) => version === "2" && state === "ready")).toHaveLength(8);
});
