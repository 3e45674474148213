import { arena, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import type { AllocationRequest } from "./allocation";
import type { Server } from "./resources";

const MARKS = { labels: { "studio.com/over": "true" }, annotations: { why: "more than wanted" } };
const allocation: AllocationRequest = {
  selectors: [
    {
      ...{ state: "Ready", matchLabels: { "agones.dev/fleet": "arena" }, matchExpressions: [] },
      ...{ players: { minAvailable: 0, maxAvailable: 0 }, counters: {}, lists: {} },
    },
  ],
  ...{ scheduling: "packed", priorities: [], labels: {}, annotations: {}, change: { counters: {}, lists: {} } },
};

/** Five allocated servers, and one that is ready. */
function fleet(scaling: object = {}): RegionDouble {
  const r = arena({
    ...{ sdk: "agones", seats: "match" },
    scaling: {
      ...{ minServers: 0, maxServers: 20, scaleUpCooldownSecs: 0, scaleDownCooldownSecs: 0 },
      ...{ buffer: { kind: "servers", servers: 1 }, allocationOverflow: MARKS, ...scaling },
    },
  });
  for (let i = 0; i < 5; i++) {
    r.must({ type: "allocateServer", request: allocation });
    r.advance(20_000);
  }
  expect(
    live(r)
      .map(({ state }) => state)
      .sort(),
  ).toEqual([..."aaaaa"].map(() => "allocated").concat("ready"));
  return r;
}

const live = (r: RegionDouble): Server[] => r.must<Server[]>(servers).filter(({ state }) => state !== "terminated");
const marked = (r: RegionDouble): Server[] =>
  live(r).filter(({ labels, annotations }) => labels["studio.com/over"] === "true" && annotations["why"] !== undefined);
const most = (r: RegionDouble, maxServers: number): void => {
  r.must({ type: "putFleet", experienceId: "arena", policy: { maxServers } });
  r.advance(30_000);
};

it("marks none while as many are wanted as there are", () => {
  expect(marked(fleet())).toEqual([]);
});

it("marks as many allocated servers as are beyond the maximum, once", () => {
  const r = fleet();
  most(r, 3);
  const first = marked(r).map(({ id }) => id);
  expect(first).toHaveLength(2);
  r.advance(120_000);
  expect(marked(r).map(({ id }) => id)).toEqual(first);
  // No server that somebody has is closed for it.
  expect(live(r).filter(({ state }) => state === "allocated")).toHaveLength(5);
  most(r, 2);
  expect(marked(r)).toHaveLength(3);
});

it("marks the ones that count least: of two counters the one with less left", () => {
  const r = fleet({ priorities: [{ type: "counter", key: "rooms", order: "ascending" }] });
  const allocated = live(r).filter(({ state }) => state === "allocated");
  allocated.forEach(({ id }, at) => {
    const counters = { rooms: { count: at, capacity: 10 } };
    r.agentOf(id).say(id, { kind: "counts", counters, lists: {}, tracked: undefined }, r.nowMs);
  });
  most(r, 4);
  expect(marked(r).map(({ id }) => id)).toEqual([allocated[4]?.id]);
});

it("marks all of a version that is being replaced, and tells the server", () => {
  const r = fleet();
  r.must({ type: "putFleet", experienceId: "arena", version: "2" });
  r.advance(20_000);
  expect(marked(r).map(({ version, state }) => [version, state])).toEqual([..."aaaaa"].map(() => ["1", "allocated"]));
  const told = marked(r).map(({ id }) => r.agentOf(id).servers.get(id)?.labels);
  expect(told).toEqual([..."aaaaa"].map(() => expect.objectContaining(MARKS.labels)));
});

it("marks nothing of either version while a rollout is paused or a canary runs", () => {
  const r = fleet();
  r.must({ type: "putFleet", experienceId: "arena", version: "2", canary: 0.1 });
  r.advance(20_000);
  r.must({ type: "putFleet", experienceId: "arena", rollout: "pause" });
  r.advance(20_000);
  expect(marked(r)).toEqual([]);
});

it("leaves labels as they are where the fleet names none", () => {
  const r = fleet({ allocationOverflow: undefined });
  most(r, 2);
  expect(marked(r)).toEqual([]);
});
