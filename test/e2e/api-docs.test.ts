import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Placement, Queued, Server } from "../../controller/core/resources";
import { codeBlocks } from "../markdown";
import { findProgram, skipUnless } from "../skips";
import { ForgeRun } from "./forge-run";
import { buildPocketGame, pocketExperience } from "./pocket";
import { environment, ROOT } from "./run-folder";

jest.setTimeout(120_000);

const page = readFileSync(join(ROOT, "docs", "api.md"), "utf8");
const shell = codeBlocks(page).filter(({ language }) => language === "sh");
const [setUp = "", ...lines] = shell
  .filter(({ mark }) => mark === "")
  .flatMap(({ text }, block) => {
    const whole = text.replaceAll("\\\n", "").trim();
    // The first block sets the environment that the others use.
    return block === 0 ? [whole] : whole.split("\n");
  });
const [follow = ""] = shell.filter(({ mark }) => mark === "follow").map(({ text }) => text);

/** The sample's names, with few seats, so that there is a queue. */
const config = (file: string): string => `
[[regions]]
name = "us-east"
location = [38.9, -77.4]
[[regions]]
name = "eu-west"
location = [53.3, -6.3]
${pocketExperience(file).replace("experiences.pocket", "experiences.arena")}
[experiences.arena.scaling]
min_servers = 2
max_servers = 12
scale_down_cooldown_secs = 3600
`;

const tools = findProgram("curl") !== undefined && findProgram("bash") !== undefined;
skipUnless(
  "docs/api.md at a real run",
  "curl or bash is not installed",
  tools,
)("the commands of docs/api.md at a real run", () => {
  const game = buildPocketGame();
  let run: ForgeRun;
  beforeAll(async () => {
    run = await ForgeRun.start({ config: config(game.file), args: ["--no-demo"] });
    for (const region of ["us-east", "eu-west"]) await run.next({ type: "server.ready", region });
  });
  afterAll(async () => {
    await run.dispose();
    game.remove();
  });

  async function session(): Promise<string> {
    const { session: held } = await run.place({ playerId: "ann", experienceId: "arena", region: "us-east" });
    return held.id;
  }

  /** A server of the page's: with room for two, and not ended. */
  async function server(): Promise<string> {
    const wanted = { experienceId: "arena", region: "us-east" };
    return (await run.ask<Server>("POST", "/v1/servers?wait=ready", wanted)).id;
  }

  /** What stands on the page for an id that only a run can give, and how to come by one. */
  const STAND_INS: Readonly<Record<string, () => Promise<string>>> = {
    "ses-us-east-1": session,
    "srv-us-east-1": server,
    async "que-us-east-1"() {
      // More of them than free seats: some wait until a server has been started for them.
      const body = (i: number) => ({ playerId: `waits-${i}`, experienceId: "arena", region: "us-east" });
      for (let i = 0; ; i++) {
        const answer = await run.ask<Placement | Queued>("POST", "/v1/sessions", body(i));
        if ("queueTicket" in answer) return answer.queueTicket;
      }
    },
    async "dec-us-east-1"() {
      const id = await server();
      await run.ask("DELETE", `/v1/servers/${id}`);
      return (await run.ask("GET", `/v1/decisions/${id}`)).id as string;
    },
  };

  async function real(line: string): Promise<string> {
    const [standIn = ""] = /\b(ses|srv|que|dec)-us-east-1\b/.exec(line) ?? [];
    const find = STAND_INS[standIn];
    return find === undefined ? line : line.replaceAll(standIn, await find());
  }

  /** Runs it as the page's reader would, after the block that sets the environment. */
  function bash(line: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const env = { FORGE_ADDR: run.url, FORGE_TOKEN: run.token };
    return run.folder.command("bash", ["--norc", "-euo", "pipefail", "-c", `${setUp}\n${line}`], env);
  }

  test("the page has commands", () => {
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => !line.startsWith("curl "))).toEqual([]);
  });

  test.each(lines)("%s", async (line) => {
    // Whoever is routed must not sit elsewhere already.
    if (line.includes('"players"'))
      for (const { id } of (await run.ask("GET", "/v1/sessions?experienceId=arena")).items)
        await run.ask("DELETE", `/v1/sessions/${id}`);
    const command = await real(line);
    const ended = bash(command);
    // It waits for the session to move, so it is moved.
    const followed = /\/v1\/sessions\/([\w-]+)\?wait=/.exec(command)?.[1];
    if (followed !== undefined) {
      const { serverId } = await run.ask("GET", `/v1/sessions/${followed}`);
      await run.ask("DELETE", `/v1/servers/${serverId}`);
    }
    const { code, stdout, stderr } = await ended;
    expect([code, stderr, stdout === "" ? "nothing" : "an answer"]).toEqual([0, "", "an answer"]);
  });

  test(follow.trim(), async () => {
    const env = environment({ FORGE_ADDR: run.url, FORGE_TOKEN: run.token });
    const child = spawn("bash", ["--norc", "-euo", "pipefail", "-c", `${setUp}\nexec ${follow.trim()}`], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = new Promise((resolve) => child.once("close", resolve));
    try {
      let said = "";
      let asked = false;
      for await (const chunk of child.stdout) {
        said += String(chunk);
        if (/^event: server\.ready$/m.test(said)) break;
        if (!asked) void server();
        asked = true;
      }
      expect(said).toMatch(/^event: server\.ready$/m);
      expect(said).not.toMatch(/^event: session/m);
    } finally {
      child.kill();
      await closed;
    }
  });
});
