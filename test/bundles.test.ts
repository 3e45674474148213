import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { expectedServer, TestController } from "../agent/test-node";
import { runForTest } from "../cli/cli-under-test";
import { systemClock } from "../protocol/clock";
import { controllerCodec } from "../protocol/codec";
import { listenSocket } from "../protocol/socket-listener";

/** The programs that go to nodes: the same bytes from any folder, and at work with nothing beside them. */

const ROOT = resolve(__dirname, "..");
/** Not as the first argument: that one would be the program, and the script would build this checkout too. */
const CALL = `import(process.argv[2]).then((m) => m.build({ root: process.argv[3] }))`;
const SECRET = "the-secret-of-this-test";

/** Each with what it says where nothing configures it. */
const PROGRAMS = [
  ["controller", "controller: the controller cannot start: the standard input is not JSON"],
  ["agent", "agent: the agent cannot start: the standard input is not JSON"],
  ["gate", "gate: the standard input is not JSON"],
  ["games/arena-server", "FORGE_PORT_PHYSICS is not set"],
  ["games/arena-physics", "FORGE_PORT_PHYSICS is not set"],
  ["games/arena-ai", "FORGE_PORT_AI is not set"],
  ["games/arena-bots", "--url is missing"],
] as const;

interface Bundle {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
}

let folder: string;
let dist: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-bundles-"));
  dist = buildIn(join(folder, "a"));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the sources in another folder, with this checkout's packages behind a link, built there. */
function buildIn(root: string): string {
  mkdirSync(root, { recursive: true });
  for (const name of readdirSync(ROOT)) {
    if (["node_modules", "dist", "cdktf.out", "coverage", "docs", "test"].includes(name) || name.startsWith("."))
      continue;
    cpSync(join(ROOT, name), join(root, name), {
      recursive: true,
      filter: (path) => !path.endsWith("/node_modules") && !path.endsWith("/dist"),
    });
  }
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  execFileSync(process.execPath, ["-e", CALL, "call", join(root, "scripts/build.mjs"), root]);
  return join(root, "dist");
}

function bundlesOf(built: string): Readonly<Record<string, Bundle>> {
  return JSON.parse(readFileSync(join(built, "bundles.json"), "utf8"));
}

/** The one file, in an empty folder below which no node_modules lies. */
function alone(name: string): string {
  const file = join(mkdtempSync(join(folder, "alone-")), `${name.split("/").at(-1)}.js`);
  cpSync(join(dist, `${name}.js`), file);
  return file;
}

describe("the bundles", () => {
  test("are the same bytes when built in another folder", () => {
    const other = buildIn(join(folder, "somewhere", "else", "deeper"));
    expect(bundlesOf(other)).toEqual(bundlesOf(dist));
    for (const { file } of Object.values(bundlesOf(dist))) {
      expect([file, readFileSync(join(other, file)).equals(readFileSync(join(dist, file)))]).toEqual([file, true]);
    }
  }, 120_000);

  test("are listed with their checksums", () => {
    const bundles = bundlesOf(dist);
    expect(Object.keys(bundles)).toEqual(expect.arrayContaining(PROGRAMS.map(([name]) => name)));
    for (const [name, { file, sha256, bytes }] of Object.entries(bundles)) {
      const contents = readFileSync(join(dist, file));
      expect([name, sha256, bytes]).toEqual([name, checksum(contents), contents.length]);
      expect(contents.includes(folder) || contents.includes(ROOT)).toBe(false);
    }
  });

  test.each(PROGRAMS)("%s says itself what it misses, with no module beside it", (name, words) => {
    const file = alone(name);
    const ended = spawnSync(process.execPath, [file], {
      cwd: dirname(file),
      env: { PATH: process.env.PATH },
      input: "",
      encoding: "utf8",
    });
    expect(ended.status).not.toBe(0);
    expect(ended.stderr).toContain(words);
    expect(ended.stderr).not.toContain("MODULE_NOT_FOUND");
  });
});

describe("the agent alone in a folder", () => {
  let game: Socket;
  let agent: ChildProcess | undefined;
  beforeEach(async () => {
    game = createSocket("udp4").bind(0, "127.0.0.1");
    await once(game, "listening");
  });
  afterEach(async () => {
    game.close();
    if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
    agent.kill("SIGTERM");
    await once(agent, "exit");
  });

  test("logs, and asks a game server in its own query protocol", async () => {
    const answer = `\xff\xff\xff\xffstatusResponse\n\\mapname\\q3dm6\\sv_maxclients\\8\n10 20 "ann"\n`;
    game.on("message", (_question, { port }) => game.send(Buffer.from(answer, "latin1"), port, "127.0.0.1"));

    const file = alone("agent");
    const socket = join(dirname(file), "c.sock");
    let greeted: (controller: TestController) => void = () => undefined;
    const connected = new Promise<TestController>((done) => (greeted = done));
    const listener = await listenSocket(
      socket,
      { secret: SECRET, clock: systemClock, codec: controllerCodec },
      (channel) => {
        void TestController.greet(channel).then(greeted);
      },
    );
    let logged = "";
    try {
      agent = spawn(process.execPath, [file], { cwd: dirname(file), env: { PATH: process.env.PATH } });
      agent.stderr?.setEncoding("utf8").on("data", (text: string) => (logged += text));
      agent.stdin?.end(JSON.stringify(agentConfig(dirname(file), socket)));
      const ended = once(agent, "exit").then(() => Promise.reject(new Error(`the agent ended: ${logged}`)));
      const controller = await Promise.race([connected, ended]);
      const players = heard(controller, ({ kind }) => kind === "walkIns");
      await controller.ask({ kind: "expect", server: queried(game.address().port) });
      expect(await players).toMatchObject({ kind: "walkIns", count: 1 });
    } finally {
      await listener.close();
    }
    // pino, without the worker files that its transports would need.
    expect(logged).toContain(`"name":"agent"`);
  }, 120_000);
});

describe("forge bundle", () => {
  test("writes what is to be uploaded, with the checksums that jobs name", async () => {
    const out = join(folder, "upload");
    const { code, json } = await runForTest(["bundle", "--out", out, "--json"], {
      cwd: folder,
      home: join(folder, "a"),
    });
    expect(code).toBe(0);
    expect(json).toMatchObject({ folder: out, bundles: bundlesOf(dist) });
    expect(bundlesOf(out)).toEqual(bundlesOf(dist));
    for (const { file, sha256 } of Object.values(bundlesOf(out))) {
      expect([file, checksum(readFileSync(join(out, file)))]).toEqual([file, sha256]);
    }
  });

  test("writes nothing where the installation is not what its list says", async () => {
    const home = join(folder, "torn");
    cpSync(dist, join(home, "dist"), { recursive: true });
    cpSync(join(dist, "gate.js"), join(home, "dist", "agent.js"));
    const out = join(folder, "refused");
    const { code, err } = await runForTest(["bundle", "--out", out], { cwd: folder, home });
    expect(code).toBe(1);
    expect(err).toContain("agent.js");
    expect(readdirSync(folder)).not.toContain("refused");
  });
});

function checksum(contents: Buffer): string {
  return createHash("sha256").update(contents).digest("hex");
}

function agentConfig(home: string, socket: string): object {
  return {
    nodeId: "n",
    region: "test",
    journalDir: join(home, "journal"),
    controllers: [socket],
    gateSocket: join(home, "g.sock"),
    secrets: { kind: "inline", shared: SECRET, ticket: SECRET },
    node: { address: "127.0.0.1", cpu: 1000, memory: 1000, limits: { cpu: false, memory: false, detail: "none" } },
    logLevel: "info",
  };
}

/** A server without SDK that is asked over UDP, and that this test's own process stands for. */
function queried(port: number) {
  return expectedServer({
    sdk: "none",
    seats: "observed",
    ports: { game: port },
    pids: { server: process.pid },
    health: {
      check: { kind: "query", protocol: "quake3", port: "game" },
      intervalMs: 200,
      timeoutMs: 5_000,
      unhealthyThreshold: 100,
      healthyThreshold: 1,
    },
  });
}

type Event = TestController["events"][number];

/** The first event that fits, whether it has come or is still to come. */
async function heard(controller: TestController, fits: (event: Event) => boolean): Promise<Event> {
  for (;;) {
    const found = controller.events.find(fits);
    if (found !== undefined) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
}
