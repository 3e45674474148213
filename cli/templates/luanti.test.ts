import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { loadConfig } from "../../config/load";
import { freePort } from "../../protocol/free-ports";
import { findProgram, skipUnless } from "../../test/skips";
import { renderTemplate } from "./templates";

const readFile = (path: string) => readFileSync(path, "utf8");
const [file] = renderTemplate("luanti", "survival", { folder: __dirname, readFile });
const { survival } = loadConfig({ file: "forge.toml", readFile: () => file?.contents ?? "" }).config.experiences;
if (survival?.health.kind !== "log" || survival.log === undefined) throw new Error("the template counts by log lines");
const ready = new RegExp(survival.health.ready ?? "", "u");
const joined = new RegExp(survival.log.joined, "u");
const left = new RegExp(survival.log.left, "u");

describe("the luanti template's log lines", () => {
  const at = "2026-11-22 16:07:02: ";

  test.each([
    [joined, `${at}ACTION[Server]: alice [::ffff:127.0.0.1] joins game. List of players: alice`, "alice"],
    [joined, `${at}ACTION[Server]: b-o_b2 [127.0.0.1] joins game. List of players: alice b-o_b2`, "b-o_b2"],
    [left, `${at}ACTION[Server]: alice leaves game. List of players: b-o_b2 `, "alice"],
    [left, `${at}ACTION[Server]: alice times out. List of players: `, "alice"],
  ])("%p finds who it was", (pattern, line, player) => {
    expect(pattern.exec(line)?.groups?.player).toBe(player);
  });

  test("nobody joins or leaves by saying so in the chat", () => {
    const chat = `${at}ACTION[Server]: CHAT: <eve> `;
    for (const said of ["bob [1] joins game.", `${at}ACTION[Server]: bob [1] joins game.`, "bob leaves game."]) {
      expect([joined.test(chat + said), left.test(chat + said), ready.test(chat + said)]).toEqual([
        false,
        false,
        false,
      ]);
    }
  });
});

const program = findProgram(survival.command ?? "");
const withServer = skipUnless("Minetest", `${survival.command} is not installed`, program !== undefined);

withServer("the luanti template's server", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-luanti-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("starts with the template's arguments, says it is ready, and keeps its map in the volume", async () => {
    const world = join(folder, "world");
    mkdirSync(world);
    const values: Readonly<Record<string, string>> = {
      FORGE_VOLUME_WORLD: world,
      NOMAD_PORT_game: String(await freePort()),
    };
    const args = survival.args.map((arg) =>
      arg.replace(/\$\{(\w+)\}/g, (_, name: string) => values[name] ?? "unknown"),
    );
    const env = { ...process.env, HOME: folder };
    const server = spawn(program ?? "", args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(server, "exit");
    try {
      const lines: string[] = [];
      const seen = new Promise<boolean>((resolve) => {
        for (const output of [server.stdout, server.stderr]) {
          createInterface(output).on("line", (line) => {
            lines.push(line);
            if (ready.test(line)) resolve(true);
          });
        }
        void ended.then(() => resolve(false));
      });
      expect([await seen, lines]).toEqual([
        true,
        expect.arrayContaining([expect.stringContaining(values.NOMAD_PORT_game ?? "")]),
      ]);
    } finally {
      server.kill("SIGTERM");
      // Now and then it does not hear that; Forge would kill it after its grace period, and so does this.
      const grace = setTimeout(() => server.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(grace);
    }
    expect(readdirSync(world)).toEqual(expect.arrayContaining(["map_meta.txt", "world.mt"]));
  });
});
