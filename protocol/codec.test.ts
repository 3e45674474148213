import * as fc from "fast-check";
import {
  agentCodec,
  agentGateCodec,
  controllerCodec,
  gateCodec,
  LineReader,
  MalformedMessage,
  negotiate,
} from "./codec";
import type { FromAgent, FromController } from "./messages";
import { PROTOCOL_VERSION } from "./versions";

const carry = {
  experienceId: "arena",
  version: "1",
  mods: ["a"],
  party: [],
  requestedRegion: undefined,
  latencies: { "us-east": 20.5 },
  connectedAtMs: 1,
  matchId: undefined,
};

const grant: FromController = {
  type: "request",
  id: 7,
  epoch: 3,
  body: {
    kind: "grant",
    serverId: "s",
    allocationId: "a",
    leaseMs: 30_000,
    seats: [{ sessionId: "x", playerId: "p", generation: 2, restore: undefined, carry }],
  },
};

test("what one side writes the other reads", () => {
  expect(agentCodec.decode(controllerCodec.encode(grant))).toEqual(grant);
  const ack: FromAgent = {
    type: "ack",
    id: 7,
    ok: true,
    epoch: 3,
    free: 0,
    seats: [{ sessionId: "x", playerId: "p", generation: 2, ticket: "t", leaseExpiresAtMs: 5 }],
  };
  expect(controllerCodec.decode(agentCodec.encode(ack))).toEqual(ack);
  const call = {
    type: "call",
    id: 1,
    serverId: "s",
    method: "GET",
    path: "/v1/players",
    query: {},
    body: undefined,
  } as const;
  expect(agentGateCodec.decode(gateCodec.encode(call))).toEqual(call);
  const answer = { type: "answer", id: 1, status: 200, body: { players: [] } } as const;
  expect(gateCodec.decode(agentGateCodec.encode(answer))).toEqual(answer);
});

test("keys that a newer program adds are no error, and are dropped", () => {
  const line = JSON.stringify({ type: "ping", atMs: 1, mood: "fine" });
  expect(agentCodec.decode(line)).toEqual({ type: "ping", atMs: 1 });
});

test.each([
  ["no JSON", "{", "a message of type none: expected welcome, refused, request, ping"],
  ["another side's message", '{"type":"hello"}', 'a message of type "hello": expected'],
  ["no type of ours", '{"type":"__proto__"}', "expected welcome"],
  [
    "an unknown request",
    '{"type":"request","id":1,"epoch":1,"body":{"kind":"dance"}}',
    "request whose body.kind is wrong",
  ],
  ["a number as text", '{"type":"ping","atMs":"now"}', "ping whose atMs is wrong"],
  ["a negative epoch", '{"type":"request","id":1,"epoch":-1,"body":{"kind":"epoch"}}', "request whose epoch is wrong"],
])("%s is refused, saying where", (_what, line, problem) => {
  expect(() => agentCodec.decode(line)).toThrow(MalformedMessage);
  expect(() => agentCodec.decode(line)).toThrow(problem);
});

test("versions: the newest that both speak, or none", () => {
  expect(negotiate({ oldest: 1, newest: 1 })).toBe(1);
  expect(negotiate({ oldest: 1, newest: 9 })).toBe(PROTOCOL_VERSION);
  expect(negotiate({ oldest: PROTOCOL_VERSION + 1, newest: 9 })).toBeUndefined();
  expect(negotiate({ oldest: 0, newest: 0 })).toBeUndefined();
});

test("lines are the same however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "binary" }).map((line) => line.replaceAll("\n", " "))),
      fc.array(fc.nat(40)),
      (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const read: string[] = [];
        const reader = new LineReader((line) => read.push(line));
        let at = 0;
        for (const cut of cuts) {
          reader.push(bytes.subarray(at, at + cut));
          at = Math.min(bytes.length, at + cut);
        }
        reader.push(bytes.subarray(at));
        expect(read).toEqual(lines.map((line) => Buffer.from(line).toString()));
      },
    ),
  );
});

test("a line over the bound is refused before its end has come", () => {
  const reader = new LineReader(() => undefined, 10);
  reader.push(Buffer.from("0123456789\n012345"));
  reader.push(Buffer.from("6789"));
  expect(() => reader.push(Buffer.from("x"))).toThrow("more than 10 bytes");
});
