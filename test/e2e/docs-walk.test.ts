import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { buildSync } from "esbuild";
import { renderTemplate } from "../../cli/templates/templates";
import { loadConfig } from "../../config/load";
import { freePort } from "../../protocol/free-ports";
import { codeBlocks } from "../markdown";
import { findProgram, skipUnless } from "../skips";
import { ForgeRun } from "./forge-run";
import { environment, ROOT, RunFolder } from "./run-folder";

jest.setTimeout(120_000);

const page = (name: string): string => readFileSync(join(ROOT, name), "utf8");

/** The blocks of a page that are marked so, one after the other, as a reader would type them. */
function marked(name: string, language: string, mark: string): string {
  const blocks = codeBlocks(page(name)).filter((block) => block.language === language && block.mark === mark);
  if (blocks.length === 0) throw new Error(`${name} has no ${language} block that is marked ${mark}`);
  return blocks.map(({ text }) => text).join("\n");
}

const walkable = findProgram("bash") !== undefined && findProgram("curl") !== undefined;
skipUnless(
  "the pages' walks",
  "bash or curl is not installed",
  walkable,
)("the walks of the pages", () => {
  let run: ForgeRun;
  beforeAll(async () => {
    run = await ForgeRun.start({ config: page("forge.toml"), args: ["--no-demo"] });
    for (const region of Object.keys(run.ready.regions))
      await run.next((event) => event.type === "server.ready" && event.region === region && event.reason !== "ready");
  });
  afterAll(() => run.dispose());

  async function walk(name: string): Promise<string> {
    const env = { FORGE_ADDR: run.url, FORGE_TOKEN: run.token };
    const script = `set -euo pipefail\n${marked(name, "sh", "walk")}`;
    const { code, stdout, stderr } = await run.folder.command("bash", ["--norc", "-c", script], env);
    expect([name, code, code === 0 || `${stdout}\n${stderr}`]).toEqual([name, 0, true]);
    return stdout;
  }

  test("README: a server, a seat, events", async () => {
    const said = await walk("README.md");
    const [server, placement] = said.split("\n").map((line) => (line.startsWith("{") ? JSON.parse(line) : null));
    expect(server).toMatchObject({ experienceId: "arena", region: "eu-west", state: "ready" });
    expect(placement).toMatchObject({ session: { playerId: "ann", region: "eu-west", state: "reserved" } });
    expect(placement.ticket).toMatch(/^[\w-]+\.[\w-]+$/);
    expect(said).toContain("event: server.ready");
    expect(said).toContain(placement.session.id);
  });

  test("docs/matchmakers.md: a party, a queue, a match, its end", async () => {
    const lines = (await walk("docs/matchmakers.md")).split("\n").filter((line) => line !== "");
    const [party, fleet, connection, queued, ...rest] = lines;
    expect(JSON.parse(party ?? "")).toMatchObject({
      session: { playerId: "kim", region: "eu-west", party: ["kim", "lee", "mo"] },
      party: [{ session: { playerId: "lee" } }, { session: { playerId: "mo" } }],
    });
    expect(JSON.parse(fleet ?? "")).toMatchObject({ policy: { maxServers: 1 } });
    expect(connection).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(JSON.parse(queued ?? "")).toMatchObject({ position: 1, reason: "no server has room" });
    expect(rest.slice(0, 2).map((line) => JSON.parse(line).state)).toEqual(["ended", "ended"]);
    expect(rest.at(-1)).toBe("127.0.0.1");
  });
});

describe("docs/first-server.md, and a receiver of webhooks as in docs/matchmakers.md", () => {
  const readFile = (path: string): string => readFileSync(path, "utf8");
  const templates = join(ROOT, "cli", "templates");
  const files = renderTemplate("websocket", "first", { folder: templates, readFile });
  const config = files.find(({ path }) => path === "forge.toml")?.contents ?? "";
  const programs: ChildProcess[] = [];
  let folder: RunFolder;
  let run: ForgeRun | undefined;

  beforeAll(() => {
    folder = new RunFolder(config);
    for (const { path, contents } of files) folder.write(path, contents);
    install(folder.path);
  });
  afterAll(async () => {
    const ended = programs.map((program) => new Promise((resolve) => program.once("close", resolve)));
    for (const program of programs) program.kill("SIGKILL");
    await Promise.all(ended);
    if (run) await run.dispose();
    else folder.remove();
  });

  /** Starts a program of a page. The result resolves with the first line that fits, of all there are and will be. */
  function start(file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    const program = spawn(process.execPath, [join(folder.path, file), ...args], {
      cwd: folder.path,
      env: environment(env),
      stdio: ["ignore", "pipe", "inherit"],
    });
    programs.push(program);
    const lines: string[] = [];
    const looks = new Set<() => void>();
    let over = false;
    const look = (): void => [...looks].forEach((each) => each());
    createInterface(program.stdout)
      .on("line", (line) => {
        lines.push(line);
        look();
      })
      .on("close", () => {
        over = true;
        look();
      });
    return (pattern: RegExp): Promise<string> =>
      new Promise((resolve, reject) => {
        const each = (): void => {
          const found = lines.find((line) => pattern.test(line));
          if (found === undefined && !over) return;
          looks.delete(each);
          if (found === undefined) reject(new Error(`${file} ended without ${String(pattern)}:\n${lines.join("\n")}`));
          else resolve(found);
        };
        looks.add(each);
        each();
      });
  }

  test("the page shows the template's forge.toml", () => {
    const [shown] = codeBlocks(page("docs/first-server.md")).filter(({ language }) => language === "toml");
    const load = (text: string) => loadConfig({ file: "forge.toml", readFile: () => text }).config;
    expect(load(shown?.text ?? "")).toEqual(load(config));
  });

  test("the player plays on when its server is killed, and the receiver hears of it", async () => {
    const port = String(await freePort());
    const secret = "a secret of this test, long enough";
    const here = (text: string): string => text.replaceAll("8088", port);
    folder.write("forge.toml", `${config}\n${here(marked("docs/matchmakers.md", "toml", "fragment"))}`);
    folder.write("receiver.mjs", here(marked("docs/matchmakers.md", "js", "receiver")));
    folder.write("player.mjs", marked("docs/first-server.md", "js", "player"));

    const heard = start("receiver.mjs", [], { FORGE_WEBHOOK_SECRET: secret });
    run = await ForgeRun.in(folder, [], { FORGE_WEBHOOK_SECRET: secret });
    await run.server("first");
    const { token } = await run.ask("POST", "/v1/tokens", { sub: "ann", role: "player" });
    const said = start("player.mjs", ["ann"], { FORGE_ADDR: run.url, FORGE_TOKEN: token });
    const first = await said(/^on ws:/);
    await said(/"ann":1\}/);
    const { serverId } = await run.next({ type: "session.joined", playerId: "ann" });

    process.kill(pidOf(serverId, run), "SIGKILL");
    const second = await said(new RegExp(`^on (?!${first.slice(3)}$)`));
    expect(second).toMatch(/^on ws:\/\/127\.0\.0\.1:\d+$/);
    const moved = await run.next({ type: "session.moved", playerId: "ann" });
    expect(moved.serverId).not.toBe(serverId);
    await run.next((event) => event.type === "session.joined" && event.serverId === moved.serverId);
    expect(await heard(/ session\.reserved ann$/)).toMatch(/^local\/\d+-\d+ /);
    expect(await heard(/ session\.moved ann$/)).toMatch(/^local\/\d+-\d+ /);
  });
});

/** What `npm install` would bring, the SDK from its sources. */
function install(folder: string): void {
  const sdk = join(folder, "node_modules", "eustress-forge-sdk");
  mkdirSync(sdk, { recursive: true });
  writeFileSync(join(sdk, "package.json"), readFileSync(join(ROOT, "sdk", "package.json")));
  buildSync({
    entryPoints: ["index", "server", "player"].map((name) => join(ROOT, "sdk", "src", `${name}.ts`)),
    outdir: join(sdk, "dist"),
    bundle: true,
    platform: "node",
    format: "cjs",
  });
  symlinkSync(dirname(require.resolve("ws/package.json")), join(folder, "node_modules", "ws"));
}

function pidOf(serverId: string, { folder }: ForgeRun): number {
  const pids = folder.processes().map((line) => Number(line.split(" ")[0]));
  const found = pids.find((pid) => {
    const environ = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
    return environ.includes(`FORGE_SERVER_ID=${serverId}`);
  });
  if (found === undefined) throw new Error(`no process is server ${serverId}`);
  return found;
}
