import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, skipUnless } from "../../test/skips";
import { accessAsMarkdown } from "./access";
import { limitsAsMarkdown } from "./admission";
import { type ApiUnderTest, apiUnderTest } from "./api-under-test";
import { BackendDouble } from "./backend-double";

const page = readFileSync(join(__dirname, "../../docs/api.md"), "utf8");
const blocks = [...page.matchAll(/^```sh( follow)?\n([^]*?)^```$/gm)].map(([, follow, text = ""]) => ({
  follows: follow !== undefined,
  text,
}));

describe("docs/api.md", () => {
  it("has the tables of rights and limits as they are: if this fails, run `npx tsx scripts/write-api-docs.ts`", () => {
    expect(page).toContain(`<!-- limits -->\n${limitsAsMarkdown()}\n<!-- end of limits -->`);
    expect(page).toContain(`<!-- rights -->\n${accessAsMarkdown()}\n<!-- end of rights -->`);
  });
});

const tools = findProgram("curl") !== undefined && findProgram("bash") !== undefined;
skipUnless(
  "the commands of docs/api.md",
  "curl or bash is not installed",
  tools,
)("the commands of docs/api.md", () => {
  let api: ApiUnderTest;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    api = apiUnderTest({ backend: new BackendDouble("us-east") });
    const url = await api.app.listen({ host: "127.0.0.1", port: 0 });
    env = { ...process.env, FORGE_ADDR: url, FORGE_TOKEN: api.as("operator").replace("Bearer ", "") };
  });
  afterAll(() => api.app.close());

  const run = (text: string): ChildProcess =>
    spawn("bash", ["--norc", "-euo", "pipefail", "-c", text], { env, stdio: ["ignore", "pipe", "pipe"] });

  it.each(
    blocks.filter(({ follows }) => !follows).flatMap(({ text }) => text.replaceAll("\\\n", "").trim().split("\n")),
  )("%s", async (line) => {
    const child = run(line);
    let errors = "";
    child.stderr?.on("data", (chunk) => (errors += String(chunk)));
    child.stdout?.resume();
    const [code] = (await once(child, "close")) as [number | null];
    expect([code, errors]).toEqual([0, ""]);
  });

  it.each(blocks.filter(({ follows }) => follows).map(({ text }) => text))("%s", async (text) => {
    const child = run(`exec ${text.trim()}`);
    let said = "";
    for await (const chunk of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
      said += String(chunk);
      if (said.includes("server.ready")) break;
      api.backend.events.append({
        type: "server.ready",
        region: "us-east",
        at: "2025-01-01T00:00:00.000Z",
        reason: "up",
        serverId: "srv-us-east-1",
        experienceId: "arena",
      });
    }
    expect(said).toContain("event: server.ready");
    const closed = once(child, "close");
    child.kill();
    await closed;
  });
});
