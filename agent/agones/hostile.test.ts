import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { createConnection } from "node:net";
import { credentials, loadPackageDefinition } from "@grpc/grpc-js";
import AgonesSDK from "@google-cloud/agones-sdk";
import * as fc from "fast-check";
import { settled } from "../test-node";
import { AgonesNode } from "./test-sdk";

/** What a broken or hostile game server may send to its own port: clear refusals, bounds, and the port goes on. */
let of: AgonesNode;
beforeAll(async () => {
  of = await AgonesNode.start({}, { limits: { connectionsPerServer: 8, streamsPerServer: 2, bodyBytes: 4096 } });
});
afterAll(() => of.stop());

async function works(): Promise<void> {
  expect(await of.rest("GET", "/v1beta1/counters/rooms")).toMatchObject({ status: 200 });
}

/** One unary call with whatever bytes as its message. */
async function raw(path: string, bytes: Buffer): Promise<{ code: number; details: string } | undefined> {
  const client = rawClient(path);
  const failed = await new Promise<{ code: number; details: string } | undefined>((resolve) => {
    client.call(bytes, (error) => resolve(error ?? undefined));
  });
  client.close();
  return failed;
}

function rawClient(path: string) {
  const as = (bytes: Buffer): Buffer => bytes;
  const method = { path, requestStream: false, responseStream: false };
  const codec = { requestSerialize: as, requestDeserialize: as, responseSerialize: as, responseDeserialize: as };
  const { Any } = loadPackageDefinition({ Any: { call: { ...method, ...codec } } }) as never as {
    Any: new (
      address: string,
      with_: ReturnType<typeof credentials.createInsecure>,
    ) => {
      call(bytes: Buffer, done: (error: { code: number; details: string } | null) => void): void;
      close(): void;
    };
  };
  return new Any(`127.0.0.1:${of.port}`, credentials.createInsecure());
}

const PATHS = ["sdk.SDK/SetLabel", "sdk.SDK/Reserve", "sdk.beta.SDK/UpdateCounter", "sdk.beta.SDK/UpdateList"];

it("answers any bytes as a message with a code, and goes on", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PATHS), fc.uint8Array({ maxLength: 200 }), async (path, bytes) => {
      const failed = await raw(`/agones.dev.${path}`, Buffer.from(bytes));
      if (failed) expect([2, 3, 13]).toContain(failed.code);
    }),
    { numRuns: 60 },
  );
  await works();
});

it("answers any JSON with a status", async () => {
  const calls = fc.constantFrom(
    ["PUT", "/metadata/label"],
    ["POST", "/reserve"],
    ["PATCH", "/v1beta1/counters/rooms"],
    ["PATCH", "/v1beta1/lists/players"],
    ["POST", "/alpha/player/connect"],
  );
  await fc.assert(
    fc.asyncProperty(calls, fc.json({ maxDepth: 4 }), async ([method = "", path = ""], body) => {
      const { status } = await of.rest(method, path, body);
      expect([200, 400, 500]).toContain(status);
    }),
    { numRuns: 80 },
  );
  await works();
});

it.each([
  ["a method that there is not", "/agones.dev.sdk.SDK/Explode", Buffer.alloc(0), 12],
  ["a service that there is not", "/agones.dev.other/Ready", Buffer.alloc(0), 12],
  ["more bytes than a call may have", "/agones.dev.sdk.SDK/SetLabel", Buffer.alloc(5000), 8],
])("refuses %s", async (_what, path, bytes, code) => {
  expect(await raw(path, bytes)).toMatchObject({ code });
});

it("refuses names and bodies that are too long", async () => {
  expect(await of.rest("PUT", "/metadata/label", { key: "k".repeat(64), value: "" })).toMatchObject({ status: 400 });
  expect(await of.rest("PUT", "/metadata/annotation", { key: "k", value: "v".repeat(5000) })).toMatchObject({
    status: 429,
    body: { code: 8 },
  });
});

it("answers names as long as a call may be, cut within a character or not, and keeps their connection", async () => {
  const session = connectHttp2(`http://127.0.0.1:${of.port}`).on("error", () => undefined);
  const headers = {
    ":method": "POST",
    ":path": "/agones.dev.sdk.beta.SDK/GetCounter",
    "content-type": "application/grpc",
  };
  for (const pad of ["", "x"]) {
    const name = Buffer.from(pad + "😀".repeat(1000));
    const message = Buffer.concat([Buffer.from([0x0a, (name.length & 127) | 128, name.length >> 7]), name]);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    const call = session.request(headers).end(Buffer.concat([prefix, message]));
    const [answer] = (await once(call.resume(), "response")) as [Record<string, string>];
    expect(answer["grpc-status"]).toBe("2");
    expect(decodeURI(answer["grpc-message"] ?? "").length).toBeLessThan(1100);
  }
  session.destroy();
});

it("drops what is neither HTTP/1 nor HTTP/2, and takes an HTTP/2 connection that says nothing sensible", async () => {
  const socket = createConnection(of.port, "127.0.0.1").on("error", () => undefined);
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x04\x08nonsense and more of it");
  socket.resume();
  await once(socket, "close");
  const other = createConnection(of.port, "127.0.0.1").on("error", () => undefined);
  other.write(Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]));
  other.resume();
  await once(other, "close");
  const session = connectHttp2(`http://127.0.0.1:${of.port}`).on("error", () => undefined);
  const plain = session.request({ ":path": "/agones.dev.sdk.SDK/Ready", ":method": "GET" });
  const [headers] = (await once(plain, "response")) as [Record<string, unknown>];
  expect(headers[":status"]).not.toBe(200);
  session.destroy();
  await works();
});

it("holds no more watchers than it may, and keeps one state for those that do not read", async () => {
  process.env.AGONES_SDK_GRPC_PORT = String(of.port);
  const sdk = new AgonesSDK();
  await sdk.connect();
  for (let i = 0; i < 2; i++)
    sdk.watchGameServer(
      () => undefined,
      () => undefined,
    );
  while ((of.gate.hello.servers[0]?.watchers ?? 0) < 2) await settled();
  const refused = new Promise<{ readonly code: number }>((resolve) => {
    sdk.watchGameServer(
      () => undefined,
      (error) => resolve(error as { code: number }),
    );
  });
  expect(await refused).toMatchObject({ code: 8 });
  // The client leaves its calls open when it is closed; the port's end is theirs.
  sdk.close();
});

it("takes no more connections than it may, and is there again when they are gone", async () => {
  const sockets = Array.from({ length: 40 }, () => createConnection(of.port, "127.0.0.1").on("error", () => undefined));
  const closed = sockets.map((socket) => once(socket.resume(), "close"));
  await Promise.race(closed);
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
  await works();
});
