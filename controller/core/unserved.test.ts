import { FLEET_LABEL, type AllocationRequest } from "./allocation";
import type { Command } from "./input";
import type { DecisionRecord, Server } from "./resources";
import { arena, code, join, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";

const allocate = (
  matchLabels: Readonly<Record<string, string>> = {},
  state: "Ready" | "Allocated" = "Ready",
): Command => {
  const selector = { matchLabels, matchExpressions: [], state, players: { minAvailable: 0, maxAvailable: 0 } };
  const request: AllocationRequest = {
    selectors: [{ ...selector, counters: {}, lists: {} }],
    scheduling: "packed",
    priorities: [],
    labels: {},
    annotations: {},
    change: { counters: {}, lists: {} },
  };
  return { type: "allocateServer", request };
};
const live = (r: RegionDouble): number =>
  r.must<Server[]>(servers).filter(({ state }) => state !== "terminated").length;
const atZero = (over: Parameters<typeof arena>[0] = {}): RegionDouble =>
  arena({
    seats: "match",
    maxPlayers: 2,
    scaling: { minServers: 0, maxServers: 10, scaleDownCooldownSecs: 10 },
    ...over,
  });

it("wakes a fleet at zero by an allocation in Agones' way, which succeeds when it comes again", () => {
  const r = atZero();
  r.advance(20_000);
  expect(live(r)).toBe(0);
  expect(code(r.call(allocate({ [FLEET_LABEL]: "arena" })))).toBe("noCapacity");
  r.advance(1000);
  expect(live(r)).toBe(1);
  expect(code(r.call(allocate({ [FLEET_LABEL]: "arena" })))).toBe("ok");
  expect(r.must<DecisionRecord>({ type: "getDecision", id: "arena" }).reasons.join()).toContain(
    "1 wait (1 of them were sent away, as nothing was free)",
  );
});

it("starts as many as ask at once, and no more for those who ask again and again while they start", () => {
  const r = atZero({ readyTimeoutSecs: 60, scaling: { minServers: 0, maxServers: 10, scaleDownCooldownSecs: 300 } });
  r.autoReady = false;
  for (let second = 0; second < 8; second++) {
    for (let i = 0; i < 3; i++) r.call(allocate());
    r.advance(1000);
  }
  expect(live(r)).toBe(3);
  for (const { id } of r.must<Server[]>(servers)) r.agentOf(id).becomeReady(id, r.nowMs);
  r.run();
  r.advance(3000);
  expect(live(r)).toBe(3);
  expect([1, 2, 3].map(() => code(r.call(allocate())))).toEqual(["ok", "ok", "ok"]);
});

it("goes back to zero when nobody comes again", () => {
  const r = atZero();
  r.call(allocate());
  r.advance(60_000);
  expect(live(r)).toBe(0);
});

it.each([
  ["labels that no fresh server has", allocate({ map: "dust" })],
  ["another fleet", allocate({ [FLEET_LABEL]: "elsewhere" })],
  ["servers that are allocated already", allocate({}, "Allocated")],
])("starts nothing for %s", (_, command) => {
  const r = atZero();
  expect(code(r.call(command))).toBe("noCapacity");
  r.advance(5000);
  expect(live(r)).toBe(0);
});

it.each(["match", "reported"] as const)("wakes by a player who does not wait, seats = %s", (seats) => {
  const r = atZero({ seats });
  expect(code(r.call(join("ann", { deadlineMs: 0 })))).toBe("noCapacity");
  r.advance(1000);
  expect(code(r.call(join("ann", { deadlineMs: 0 })))).toBe("ok");
});
