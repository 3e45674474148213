import { arena, code, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import type { DecisionRecord, MatchAllocation, Server, ServerSelector } from "./resources";

const allocate = (matchId: string, selectors: readonly ServerSelector[], more: object = {}) => ({
  type: "allocateMatch" as const,
  experienceId: "arena",
  matchId,
  players: [{ playerId: `player of ${matchId}` }],
  selectors,
  deadlineMs: 0,
  ...more,
});
const duel = (over: Parameters<typeof arena>[0] = {}) =>
  arena({ seats: "match", maxPlayers: 2, scaling: { minServers: 3, maxServers: 4 }, ...over });
const labelled = (r: RegionDouble, ...labels: readonly Record<string, string>[]): string[] => {
  const ids = r.must<readonly Server[]>(servers).map(({ id }) => id);
  labels.forEach((of, i) => r.must({ type: "labelServer", serverId: ids[i] ?? "", labels: of }));
  return ids;
};
const got = (r: RegionDouble, command: ReturnType<typeof allocate>): string =>
  r.must<MatchAllocation>(command).server.id;

it("puts a match on the server that has the labels", () => {
  const r = duel();
  const [, ice] = labelled(r, { map: "sand" }, { map: "ice", tier: "1" });
  expect(got(r, allocate("m", [{ matchLabels: { map: "ice" } }]))).toBe(ice);
  const [subject] = r.must<readonly { id: string }[]>({ type: "findSessions" });
  const record = r.must<DecisionRecord>({ type: "getDecision", id: subject?.id ?? "" });
  expect(record.considered.map(({ id }) => id)).toEqual([ice]);
});

it("takes the first selector that a free server satisfies", () => {
  const r = duel();
  const [sand, ice] = labelled(r, { map: "sand" }, { map: "ice" });
  const wish = [{ matchLabels: { map: "lava" } }, { matchLabels: { map: "ice" } }, { matchLabels: { map: "sand" } }];
  expect(got(r, allocate("m1", wish))).toBe(ice);
  expect(got(r, allocate("m2", wish))).toBe(sand);
  expect(code(r.call(allocate("m3", wish)))).toBe("noCapacity");
  expect(code(r.call(allocate("m4", [...wish, {}])))).toBe("ok");
});

it("needs all labels of a selector on one server", () => {
  const r = duel();
  labelled(r, { map: "ice" }, { tier: "1" });
  expect(r.call(allocate("m", [{ matchLabels: { map: "ice", tier: "1" } }]))).toMatchObject({
    ok: false,
    problem: { code: "noCapacity", detail: "no seat is free in arena: no free server satisfies any of the selectors" },
  });
});

it("waits for a server to be labelled, and starts none for it, as a fresh one would have no labels", () => {
  const r = duel();
  const [first = ""] = labelled(r);
  const waiting = r.ask(allocate("m", [{ matchLabels: { map: "ice" } }], { deadlineMs: 30_000 }));
  r.advance(12_000);
  expect(r.must<readonly Server[]>(servers)).toHaveLength(3);
  r.must({ type: "labelServer", serverId: first, labels: { map: "ice" } });
  expect(r.reply(waiting)).toMatchObject({ ok: true, value: { server: { id: first } } });
});

it("lets a match that waits for a label be passed by those who need none", () => {
  const r = duel();
  r.ask(allocate("m1", [{ matchLabels: { map: "ice" } }], { deadlineMs: 30_000 }));
  expect(code(r.call(allocate("m2", [])))).toBe("ok");
});

it("starts a server where one of the selectors asks for no label", () => {
  const r = duel({ scaling: { minServers: 0, maxServers: 1 } });
  expect(code(r.call(allocate("m", [{ matchLabels: { map: "ice" } }, {}], { deadlineMs: 30_000 })))).toBe("ok");
});

it("follows what servers say of themselves", () => {
  const r = duel();
  const [first = ""] = labelled(r);
  r.agentOf(first).say(first, { kind: "labels", labels: { map: "ice" }, annotations: {} }, r.nowMs);
  r.run();
  expect(got(r, allocate("m", [{ matchLabels: { map: "ice" } }]))).toBe(first);
});

it("chooses by version, and refuses where none of the versions is there", () => {
  const r = duel({ image: "registry/arena:1" });
  // What runs the old version goes as soon as the new one is up.
  r.ask({ type: "putFleet", experienceId: "arena", version: "2" });
  const version = (matchId: string, selectors: readonly ServerSelector[]): string =>
    r.must<MatchAllocation>(allocate(matchId, selectors)).server.version;
  expect(version("m1", [{ version: "1", gameServerState: "Ready" }])).toBe("1");
  expect(version("m2", [{ version: "9" }, { version: "2" }])).toBe("2");
  expect(code(r.call(allocate("m3", [{ version: "9" }, { version: "8" }])))).toBe("unknownVersion");
});

it("does not look at a server that is taken", () => {
  const r = duel();
  const [first] = labelled(r, { map: "ice" });
  expect(got(r, allocate("m1", [{ matchLabels: { map: "ice" } }]))).toBe(first);
  expect(code(r.call(allocate("m2", [{ matchLabels: { map: "ice" } }])))).toBe("noCapacity");
  r.agentOf(first ?? "").endMatch(first ?? "", r.nowMs);
  r.run();
  expect(got(r, allocate("m3", [{ matchLabels: { map: "ice" } }]))).toBe(first);
});
