import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../protocol/clock";
import { agentGateCodec } from "../../protocol/codec";
import { dialSocket, type Dialling } from "../../protocol/socket-dialler";
import { sdkCall, TestStream } from "./test-agent";

describe("the gate's program", () => {
  let folder: string;
  let child: ChildProcess;
  let output: Promise<string>;
  const secret = "a secret of this run";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-gate-"));
  });
  afterEach(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true });
  });

  function start(config: object): void {
    const file = join(folder, "gate.json");
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    const args = ["--import", "tsx", join(__dirname, "main.ts"), file];
    child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    output = (async () => {
      let text = "";
      for await (const chunk of child.stderr as AsyncIterable<Buffer>) text += chunk.toString();
      return text;
    })();
  }

  test("serves until SIGTERM, then ends its streams and gives its socket back", async () => {
    const agentSocket = join(folder, "gate.sock");
    start({ agentSocket, secrets: { kind: "inline", shared: secret } });
    const port = await opened(agentSocket);
    expect(await sdkCall(port, "GET", "/v1/gameserver")).toMatchObject({ status: 200, body: { ok: 1 } });
    const stream = await TestStream.open(port);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    await stream.ended;
    expect(existsSync(agentSocket)).toBe(false);
    expect(await output).not.toContain(secret);
  });

  test("told to retire, SIGTERM ends it with its last server only, however often it comes", async () => {
    const agentSocket = join(folder, "gates", "0f3c3a3e.sock");
    start({ agentSocket, secrets: { kind: "inline", shared: secret }, onSigterm: "retire" });
    const stream = await TestStream.open(await opened(agentSocket));
    child.kill("SIGTERM");
    const options = { codec: agentGateCodec, secret, clock: systemClock, random: Math.random };
    let dialling: Dialling | undefined;
    const retiring = new Promise<() => void>((resolve) => {
      dialling = dialSocket(agentSocket, options, (channel) => {
        channel.onMessage((message) => {
          if (message.type !== "gateHello" || message.retiring !== true) return channel.close();
          resolve(() => channel.send({ type: "closeServer", serverId: "a" }));
        });
      });
    });
    const closeServer = await retiring;
    child.kill("SIGTERM");
    expect(stream.text).toContain("watching");
    closeServer();
    await stream.ended;
    dialling?.close();
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(existsSync(agentSocket)).toBe(false);
  });

  /** An agent that opens one port, answers its calls, and goes when the gate does. */
  function opened(agentSocket: string): Promise<number> {
    return new Promise<number>((resolve) => {
      const options = { codec: agentGateCodec, secret, clock: systemClock, random: Math.random };
      const dialling = dialSocket(agentSocket, options, (channel) => {
        channel.onMessage((message) => {
          if (message.type === "gateHello")
            channel.send({ type: "open", serverId: "a", allocationId: "x", port: 0, token: "token-a" });
          if (message.type === "call") channel.send({ type: "answer", id: message.id, status: 200, body: { ok: 1 } });
          if (message.type === "opened") resolve(message.port);
        });
        channel.onClose(() => dialling.close());
      });
    });
  }

  test("with a wrong configuration says what is wrong and ends", async () => {
    start({ agentSocket: "gate.sock", secrets: { kind: "inline", shared: "short secret" } });
    expect(await once(child, "exit")).toEqual([1, null]);
    expect(await output).toMatch(/^gate: .*gate\.json: agentSocket: must be an absolute path; secrets\.shared: /);
    expect(await output).not.toContain("short secret");
  });
});
