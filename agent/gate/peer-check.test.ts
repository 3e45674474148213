import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { VirtualClock } from "../../protocol/virtual-clock";
import { skipUnless } from "../../test/skips";
import { ProcTable } from "../stats/proc-table";
import { ProcPeerCheck } from "./peer-check";
import { newGate, sdkCall, TestAgent } from "./test-agent";

/** Child processes and theirs live until their common standard input ends; "close" comes when the last has gone. */
const STAY = 'process.stdin.on("end", () => process.exit()).resume();';
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    const closed = once(child, "close");
    child.stdin?.end();
    await closed;
  }
});

function start(script: string, ...args: string[]): ChildProcess & { readonly pid: number } {
  const child = spawn(process.execPath, ["-e", script, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  return child as ChildProcess & { readonly pid: number };
}

/** Makes one call, prints its status, and stays, so that it can be looked at. */
const CALLER = `
  fetch("http://127.0.0.1:" + process.argv[1] + "/v1/players", { headers: { authorization: "Bearer token-a" } })
    .then(async (answer) => console.log(answer.status, await answer.text()));
  ${STAY}
`;
/** The same by a child of its own. */
const PARENT = `
  require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(CALLER)}, process.argv[1]], { stdio: "inherit" });
  ${STAY}
`;

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) return chunk.toString();
  throw new Error("the child said nothing");
}

skipUnless(
  "the gate's check of its peers",
  "it needs Linux's /proc",
  process.platform === "linux",
)("a peer", () => {
  const peers = new ProcPeerCheck(new ProcTable());
  const gate = newGate(new VirtualClock(), { checkPeer: peers.check });
  const agent = new TestAgent(gate);
  afterAll(() => gate.stop());

  test("of the server's own process is let in, also once its pids change", async () => {
    const port = await agent.open("a", { pids: [process.pid] });
    expect(await sdkCall(port, "GET", "/v1/players")).toMatchObject({ status: 200 });
    const idle = start(STAY);
    expect(await agent.open("a", { pids: [idle.pid, process.pid] })).toBe(port);
    expect(await sdkCall(port, "GET", "/v1/players")).toMatchObject({ status: 200 });
  });

  test("with the right token from another process is refused", async () => {
    const other = start(STAY);
    const port = await agent.open("a", { pids: [other.pid] });
    const answer = await sdkCall(port, "GET", "/v1/players");
    expect(answer).toMatchObject({ status: 403, body: { code: "peerForeign" } });
    expect(answer.body.detail).toContain("FORGE_SDK_URL");
  });

  test("from another process takes up no more than half of a port, though it says nothing", async () => {
    const crowd = newGate(new VirtualClock(), { checkPeer: peers.check, limits: { connectionsPerServer: 8 } });
    const server = start(STAY);
    const port = await new TestAgent(crowd).open("a", { pids: [server.pid] });
    const strangers = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
    sockets.push(...strangers);
    let gone = 0;
    await new Promise<void>((resolve) => {
      for (const stranger of strangers)
        stranger.resume().once("close", () => {
          gone += 1;
          if (gone === 4) resolve();
        });
    });
    await crowd.stop();
  });

  test("from a child of the server's process is let in", async () => {
    const port = await agent.open("a", { allocationId: "alloc-2", pids: [] });
    const server = start(PARENT, String(port));
    expect(await agent.open("a", { allocationId: "alloc-2", pids: [server.pid] })).toBe(port);
    expect(await firstLine(server)).toMatch(/^200 /);
  });

  test("is let in where the server's processes are not to be seen, and where none are known", async () => {
    const gone = start(STAY);
    gone.stdin?.end();
    await once(children.pop() as ChildProcess, "close");
    for (const pids of [[gone.pid], []]) {
      const port = await agent.open("a", { pids });
      expect(await sdkCall(port, "GET", "/v1/players")).toMatchObject({ status: 200 });
    }
  });

  const sockets: Socket[] = [];
  let server: Server | undefined;
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server?.close();
    server = undefined;
  });
  async function listening(): Promise<number> {
    server = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  test("is told apart by whose it is", async () => {
    const port = await listening();
    const caller = connect(port, "127.0.0.1");
    sockets.push(caller);
    await once(caller, "connect");
    const callerPort = caller.localPort as number;
    expect(await peers.check({ port, callerPort, pids: [process.pid] })).toBe("member");
    expect(await peers.check({ port, callerPort, pids: [start(STAY).pid] })).toBe("foreign");
  });

  test("is unknown where there is no /proc", async () => {
    const blind = new ProcPeerCheck(new ProcTable("/nonexistent"), "/nonexistent");
    expect(await blind.check({ port: 1, callerPort: 2, pids: [process.pid] })).toBe("unknown");
  });

  test("is unknown where no such connection exists", async () => {
    const port = await listening();
    expect(await peers.check({ port, callerPort: 1, pids: [process.pid] })).toBe("unknown");
  });
});
