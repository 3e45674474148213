import type { ChainEntry } from "../../config/scaling-chain";
import { followChain, type ChainSeen, type CountSeen } from "./chain";
import { testScaling } from "./testing/settings-double";

const NOW = Date.parse("2026-06-01T17:00:00Z");
const counted: CountSeen = { count: 0, capacity: 0, perServer: 10, coming: 0 };
const seen = (over: Partial<ChainSeen> = {}): ChainSeen => ({
  have: 4,
  counts: () => counted,
  advice: () => undefined,
  unheard: () => 0,
  ...over,
});
const follow = (chain: readonly ChainEntry[], over: Partial<ChainSeen> = {}) =>
  followChain(testScaling({ buffer: { kind: "servers", servers: 1 }, chain }), seen(over), NOW);

it("takes the first entry that applies, and the buffer where none does", () => {
  const night = { activePeriod: { startCron: "0 2 * * *", durationSecs: 3600 } };
  const chain = [
    { id: "night", schedule: night, buffer: { bufferSize: 0 } },
    { id: "day", buffer: { bufferSize: 3, minReplicas: 2, maxReplicas: 9 } },
    { id: "never", buffer: { bufferSize: 7 } },
  ];
  expect(follow(chain)).toMatchObject({
    entry: "day",
    buffer: { kind: "servers", servers: 3 },
    min: 2,
    max: 9,
    passed: ["night does not apply before 2026-06-02T02:00:00.000Z"],
    changesAtMs: Date.parse("2026-06-02T02:00:00Z"),
  });
  expect(follow(chain.slice(0, 1))).toMatchObject({ entry: null, buffer: { kind: "servers", servers: 1 } });
});

it.each<[string, object, Partial<CountSeen>, number]>([
  ["what is left is enough", { bufferSize: 5 }, { count: 30, capacity: 40 }, 4],
  ["one server more for less than it", { bufferSize: 11 }, { count: 30, capacity: 40 }, 5],
  ["as many as it takes", { bufferSize: 35 }, { count: 30, capacity: 40 }, 7],
  ["starting ones count", { bufferSize: 11 }, { count: 30, capacity: 40, coming: 10 }, 4],
  ["a share of the whole", { bufferSize: "50%" }, { count: 30, capacity: 40 }, 6],
  ["what is too much may go", { bufferSize: 5 }, { count: 3, capacity: 40 }, 1],
  ["not below its least capacity", { bufferSize: 5, minCapacity: 30 }, { count: 3, capacity: 40 }, 3],
  ["no more while those that are there have none", { bufferSize: 5 }, { count: 0, capacity: 0, perServer: 0 }, 4],
  ["not above its greatest", { bufferSize: 100, maxCapacity: 60 }, { count: 30, capacity: 40 }, 6],
])("counts: %s", (_, rule, counts, servers) => {
  const over = { counts: () => ({ ...counted, ...counts }) };
  const entry = { key: "rooms", bufferSize: 0, ...rule };
  expect(follow([{ counter: entry }], over).keep?.servers).toBe(servers);
  expect(follow([{ list: entry }], over).keep?.servers).toBe(servers);
});

it("asks a webhook, keeps its last good answer, and passes it over before the first", () => {
  const chain = [{ webhook: { url: "http://127.0.0.1:9/" } }, { id: "else", buffer: { bufferSize: 2 } }];
  expect(follow(chain)).toMatchObject({ entry: "else", consult: [chain[0]?.webhook] });
  const answer = { scale: true, replicas: 9, atMs: NOW - 30_000 };
  expect(follow(chain, { advice: () => answer })).toMatchObject({
    entry: "1",
    keep: { servers: 9, reason: "its webhook, answered 30 s ago, wants 9 servers" },
  });
  expect(follow(chain, { advice: () => ({ ...answer, scale: false }) }).keep?.servers).toBe(4);
});
