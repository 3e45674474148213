import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import WebSocket from "ws";
import { settled } from "../test-node";
import { AgonesNode } from "./test-sdk";

/** Agones' REST calls as its documentation writes them, by plain HTTP. */
let of: AgonesNode;
beforeEach(async () => {
  of = await AgonesNode.start();
});
afterEach(() => of.stop());

async function state(): Promise<unknown> {
  const { body } = await of.rest("GET", "/gameserver");
  return (body.status as { readonly state: string }).state;
}

it.each([
  ["POST", "/ready", {}, "Ready"],
  ["POST", "/ready", "", "Ready"],
  ["POST", "/allocate", {}, "Allocated"],
  ["POST", "/reserve", { seconds: "5" }, "Reserved"],
  ["POST", "/reserve", { seconds: 0 }, "Reserved"],
  ["POST", "/shutdown", {}, "Shutdown"],
])("%s %s %j: %s", async (method, path, body, after) => {
  expect(await of.rest(method, path, body)).toEqual({ status: 200, body: {} });
  expect(await state()).toBe(after);
});

it("writes a game server as Agones' gateway does: its own names, every field, wide numbers as text", async () => {
  await of.rest("PUT", "/metadata/label", { key: "map", value: "ice" });
  await of.rest("PUT", "/metadata/annotation", { key: "note", value: "x" });
  const { body } = await of.rest("GET", "/gameserver");
  expect(body).toMatchObject({
    object_meta: {
      name: "s1",
      generation: "1",
      deletion_timestamp: "0",
      annotations: { "agones.dev/sdk-note": "x" },
      labels: { "agones.dev/sdk-map": "ice", "agones.dev/fleet": "arena" },
    },
    spec: { health: { disabled: false, period_seconds: 5, failure_threshold: 3, initial_delay_seconds: 5 } },
    status: {
      state: "Scheduled",
      ports: [{ name: "game", port: 7654 }],
      players: { count: "0", capacity: "4", ids: [] },
      counters: { rooms: { count: "1", capacity: "10" } },
    },
  });
});

it.each([
  ["GET", "/v1beta1/counters/rooms", undefined, { name: "rooms", count: "1", capacity: "10" }],
  ["PATCH", "/v1beta1/counters/rooms", { countDiff: "2" }, { name: "rooms", count: "3", capacity: "10" }],
  ["PATCH", "/v1beta1/counters/rooms", { count: 7, capacity: "8" }, { name: "rooms", count: "7", capacity: "8" }],
  ["PATCH", "/v1beta1/lists/players", { capacity: "1" }, { name: "players", capacity: "1", values: ["test0"] }],
  [
    "PATCH",
    "/v1beta1/lists/players?updateMask=values",
    { capacity: 1 },
    { name: "players", capacity: "100", values: [] },
  ],
  ["POST", "/v1beta1/lists/players:addValue", { value: "b" }, { values: ["test0", "test1", "test2", "b"] }],
  ["POST", "/v1beta1/lists/players:removeValue", { value: "test0" }, { values: ["test1", "test2"] }],
  ["POST", "/alpha/player/connect", { playerID: "ann" }, { bool: true }],
  ["PUT", "/alpha/player/capacity", { count: 9 }, {}],
  ["GET", "/alpha/player/capacity", undefined, { count: "4" }],
  ["GET", "/alpha/player/count", undefined, { count: "0" }],
  ["GET", "/alpha/player/connected", undefined, { list: [] }],
  ["GET", "/alpha/player/connected/ann%2Fb", undefined, { bool: false }],
])("%s %s %j", async (method, path, sent, body) => {
  expect(await of.rest(method, path, sent)).toMatchObject({ status: 200, body });
});

it.each([
  ["GET", "/v1beta1/counters/doors", undefined, 500, { code: 2, message: "counter not found: doors", details: [] }],
  ["PUT", "/metadata/label", { key: "a b", value: "" }, 400, { code: 3 }],
  ["POST", "/reserve", { seconds: "soon" }, 400, { code: 3 }],
  ["POST", "/reserve", "{", 400, { code: 3 }],
  ["POST", "/health", "", 400, {}],
  ["GET", "/ready", undefined, 501, { code: 12, message: "Method Not Allowed" }],
  ["GET", "/unready", undefined, 404, { code: 5, message: "Not Found" }],
])("%s %s %j is refused with %i", async (method, path, sent, status, body) => {
  expect(await of.rest(method, path, sent)).toMatchObject({ status, body });
});

it("takes a Health", async () => {
  expect(await of.rest("POST", "/health", {})).toEqual({ status: 200, body: {} });
});

it("does not answer Forge's calls without the token", async () => {
  expect(await of.rest("POST", "/v1/ready", {})).toMatchObject({ status: 401 });
});

it("is watched by lines and by WebSocket", async () => {
  const sent = request({ host: "127.0.0.1", port: of.port, path: "/watch/gameserver" }).end();
  const [lines] = (await once(sent, "response")) as [IncomingMessage];
  const socket = new WebSocket(`ws://127.0.0.1:${of.port}/watch/gameserver`);
  const states = { lines: [] as string[], socket: [] as string[] };
  const stateIn = (text: string) => (JSON.parse(text) as { result: { status: { state: string } } }).result.status.state;
  lines.setEncoding("utf8").on("data", (text: string) => states.lines.push(...text.trim().split("\n").map(stateIn)));
  socket.on("message", (text: Buffer) => states.socket.push(stateIn(text.toString())));
  await once(socket, "open");
  while (states.socket.length === 0) await settled();
  await of.rest("POST", "/ready", {});
  of.node.clock.advance(250);
  while (states.socket.at(-1) !== "Ready" || states.lines.at(-1) !== "Ready") await settled();
  expect(states.socket).toEqual(["Scheduled", "Ready"]);
  expect(states.lines[0]).toBe("Scheduled");
  socket.close();
  sent.destroy();
});
