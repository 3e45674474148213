import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Channel } from "../../protocol/channel";
import { systemClock } from "../../protocol/clock";
import { agentGateCodec } from "../../protocol/codec";
import type { FromGate, ToGate } from "../../protocol/gate-messages";
import { dialSocket, type Dialling } from "../../protocol/socket-dialler";
import { readGateConfig } from "./gate-config";
import { startGate, type RunningGate } from "./start-gate";
import { quietLog, sdkCall } from "./test-agent";

describe("a gate on a unix socket", () => {
  const secret = "a secret of this run";
  let folder: string;
  let running: RunningGate;
  const dialled: Dialling[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-gate-"));
    const config = { agentSocket: join(folder, "gate.sock"), secrets: { kind: "inline", shared: secret } as const };
    running = await startGate(config, {
      clock: systemClock,
      version: "test",
      log: quietLog,
      env: {},
      random: Math.random,
    });
  });
  afterEach(async () => {
    for (const dialling of dialled.splice(0)) dialling.close();
    await running.stop();
    rmSync(folder, { recursive: true });
  });

  /** An agent that answers every call with its name. */
  function dial(
    name: string,
    onChannel: (channel: Channel<ToGate, FromGate>) => void = () => undefined,
  ): Promise<FromGate> {
    return new Promise((resolve) => {
      const options = { codec: agentGateCodec, secret, clock: systemClock, random: Math.random };
      const dialling = dialSocket(join(folder, "gate.sock"), options, (channel) => {
        channel.onMessage((message) => {
          if (message.type === "gateHello")
            channel.send({ type: "open", serverId: "a", allocationId: "x", port: 0, token: "token-a" });
          if (message.type === "opened") resolve(message);
          if (message.type === "call") channel.send({ type: "answer", id: message.id, status: 200, body: { name } });
        });
        onChannel(channel);
      });
      dialled.push(dialling);
    });
  }

  test("serves an agent that dials it, and the next one on the same ports", async () => {
    const { port } = (await dial("first")) as { port: number };
    expect(await sdkCall(port, "GET", "/v1/players")).toMatchObject({ status: 200, body: { name: "first" } });
    dialled[0]?.close();
    const later = sdkCall(port, "GET", "/v1/players");
    expect(await dial("second")).toMatchObject({ port });
    expect(["first", "second"]).toContain((await later).body.name);
    expect(await sdkCall(port, "GET", "/v1/players")).toMatchObject({ status: 200, body: { name: "second" } });
  });

  test("answers HTTP that is none with a problem", async () => {
    const { port } = (await dial("first")) as { port: number };
    const say = (text: string) =>
      new Promise<string>((resolve) => {
        let answer = "";
        const socket = connect(port, "127.0.0.1", () => socket.write(text));
        socket.on("data", (chunk) => (answer += chunk.toString()));
        socket.on("close", () => resolve(answer));
      });
    expect(await say("\u0016\u0003\u0001 tls?\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 [^]*"code":"malformed"/);
    const long = `GET / HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(20_000)}\r\n\r\n`;
    expect(await say(long)).toMatch(/^HTTP\/1\.1 431 [^]*"code":"headersTooLarge"/);
  });

  test("takes only so many connections for one server", async () => {
    const { port } = (await dial("first")) as { port: number };
    const idle = await Promise.all(
      Array.from(
        { length: 64 },
        () =>
          new Promise<ReturnType<typeof connect>>((resolve) => {
            const socket = connect(port, "127.0.0.1", () => resolve(socket));
          }),
      ),
    );
    await expect(sdkCall(port, "GET", "/v1/players")).rejects.toMatchObject({ code: "ECONNRESET" });
    for (const socket of idle) socket.destroy();
  });
});

describe("the gate's configuration", () => {
  const good = { agentSocket: "/run/forge/gate.sock", secrets: { kind: "inline", shared: "0123456789abcdef" } };

  test("is a JSON file", () => {
    expect(readGateConfig(JSON.stringify(good), "gate.json")).toEqual({ ...good, logLevel: "info" });
  });

  test.each([
    ["no JSON", "{", /gate\.json is not JSON/],
    [
      "a relative socket",
      JSON.stringify({ ...good, agentSocket: "gate.sock" }),
      /agentSocket: must be an absolute path/,
    ],
    [
      "a short secret",
      JSON.stringify({ ...good, secrets: { kind: "inline", shared: "short" } }),
      /^gate\.json: secrets\.shared: (?!.*short)/,
    ],
    ["a key too many", JSON.stringify({ ...good, sockets: 1 }), /the file: .*sockets/],
  ])("with %s says so", (_name, text, message) => {
    expect(() => readGateConfig(text, "gate.json")).toThrow(message);
  });
});
