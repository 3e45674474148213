import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { deployment } from "../../migrate/for-test";
import { type CliResult, runForTest } from "../cli-under-test";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-migrate-"));
  mkdirSync(join(folder, "in"));
  write("in/web.yaml", deployment({}));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): void {
  writeFileSync(join(folder, path), text);
}

function forge(...args: readonly string[]): Promise<CliResult> {
  return runForTest(["migrate", ...args], { cwd: folder });
}

describe("forge migrate", () => {
  it("writes jobs, stack, report and ledger, the same bytes each time", async () => {
    const { code, json } = await forge("in", "--out", "a", "--json");
    expect(code).toBe(0);
    expect(json).toMatchObject({ jobs: ["default/web"], refused: [], severities: { error: 0 } });
    const names = readdirSync(join(folder, "a"), { recursive: true, encoding: "utf8" });
    expect(names).toEqual(
      expect.arrayContaining(["REPORT.md", "ledger.json", "jobs/web.nomad.hcl", "jobs/web.json", "stacks/migrated.ts"]),
    );
    expect((await forge("in/web.yaml", "--out", "b")).code).toBe(0);
    for (const name of (json as { files: string[] }).files) {
      expect([name, readFileSync(join(folder, "b", name), "utf8")]).toEqual([
        name,
        readFileSync(join(folder, "a", name), "utf8"),
      ]);
    }
    const ledger = JSON.parse(readFileSync(join(folder, "a", "ledger.json"), "utf8")) as unknown[];
    expect(ledger[0]).toEqual({
      file: "in/web.yaml",
      doc: 0,
      line: 1,
      column: 13,
      pointer: "/apiVersion",
      kind: "Deployment",
      namespace: "",
      name: "web",
      status: "converted",
      targets: ["jobs/web"],
      code: "converted",
      severity: "info",
      remedy: "",
    });
  });

  it("exits 1 where --strict finds something, unless it is suppressed", async () => {
    write("in/web.yaml", deployment({ pod: "shareProcessNamespace: true" }));
    expect((await forge("in", "--out", "a", "--strict", "error")).code).toBe(1);
    write("answers.toml", 'suppress = ["shareProcesses"]\n');
    expect((await forge("in", "--out", "a", "--strict", "error", "--answers", "answers.toml")).code).toBe(0);
    expect(await forge("in", "--out", "a", "--strict", "much")).toMatchObject({
      code: 2,
      err: expect.stringContaining('not "much"'),
    });
  });

  it("exits 2 where something could not be read, and converts the rest", async () => {
    write("in/broken.yaml", "a: [\n");
    const { code, out } = await forge("in", "missing.yaml", "--out", "a");
    expect(code).toBe(2);
    expect(out).toMatch(/refused in\/broken\.yaml:\d+:\d+: /);
    expect(out).toContain("refused missing.yaml:1:1: there is no such file");
    expect(existsSync(join(folder, "a/jobs/web.json"))).toBe(true);
  });

  it.each([
    ["a folder that it did not write", ["in", "--out", "in"], "was not written by forge migrate"],
    ["answers that it does not know", ["in", "--out", "a", "--answers", "bad.toml"], "ports"],
    ["answers that are not there", ["in", "--out", "a", "--answers", "none.toml"], "cannot be read"],
  ])("refuses %s", async (_what, args, says) => {
    write("bad.toml", 'ports = "any"\n');
    expect(await forge(...args)).toMatchObject({ code: 2, err: expect.stringContaining(says) });
  });
});

/** The guide's application and Fleet, by the very commands of its README. */
describe("examples/leaving-kubernetes", () => {
  const EXAMPLE = resolve(__dirname, "../../examples/leaving-kubernetes");
  const commands = /```sh\n([^`]*)```/.exec(readFileSync(join(EXAMPLE, "README.md"), "utf8"))?.[1] ?? "";

  it("runs as written", async () => {
    cpSync(EXAMPLE, folder, { recursive: true });
    const lines = commands.trim().split("\n");
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) {
      const [forgeWord, command, ...args] = line.split(" ");
      expect([forgeWord, command]).toEqual(["forge", "migrate"]);
      const { code, err } = await forge(...args);
      expect([line, code, err]).toEqual([line, 0, ""]);
    }
    expect(readFileSync(join(folder, "nomad/REPORT.md"), "utf8")).not.toContain("only-an-example");
  });

  it("has a Fleet that converts without an error", async () => {
    cpSync(EXAMPLE, folder, { recursive: true });
    expect(await forge("fleet.yaml", "--out", "games", "--strict", "error")).toMatchObject({ code: 0, err: "" });
    expect(await forge("verify", "games")).toMatchObject({ code: 0 });
  });
});

describe("forge migrate verify", () => {
  /** TEST DOUBLE of Nomad: it takes every job, and parses HCL into what it is told. */
  async function judged(parsed: unknown, ...args: readonly string[]): Promise<CliResult> {
    const server = createServer((request, response) => {
      request.resume();
      response.end(JSON.stringify(request.url === "/v1/validate/job" ? { Error: "" } : parsed));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      return await forge("verify", ...args, "--nomad", `http://127.0.0.1:${port}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it("needs no Nomad for its own rules, HCL against JSON, and the bytes of ConfigMaps", async () => {
    const pod = "volumes: [{ name: m, configMap: { name: m } }]";
    const container = "volumeMounts: [{ name: m, mountPath: /m }]\n          args: ['${A} %{ b', '{{ c }}']";
    const map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: m }\ndata: { a: '{{ x }} ${y}' }\n";
    write("in/web.yaml", deployment({ pod, container }) + map);
    await forge("in", "--out", "a");
    expect(await forge("verify", "a", "--json")).toMatchObject({
      code: 0,
      json: { jobs: 1, files: 1, ran: false, findings: [] },
    });
    const spoil = async (file: string, from: string, to: string): Promise<readonly { problem: string }[]> => {
      const path = join(folder, "a", file);
      const before = readFileSync(path, "utf8");
      expect(before).toContain(from);
      writeFileSync(
        path,
        before.replace(from, () => to),
      );
      const { code, json } = await forge("verify", "a", "--json");
      writeFileSync(path, before);
      expect(code).toBe(1);
      return (json as { findings: readonly { problem: string }[] }).findings;
    };
    expect(await spoil("jobs/web.nomad.hcl", "$$${A} %%%{ b", "$$${A} %%%{ c")).toMatchObject([
      { problem: expect.stringContaining("at /TaskGroups/0/Tasks/0/Config/args/0") },
    ]);
    expect(await spoil("jobs/web.nomad.hcl", "$$${A}", "${A}")).toMatchObject([
      { problem: expect.stringMatching(/^line \d+: an expression/) },
    ]);
    expect(await spoil("jobs/web.json", '"MemoryMB": 512', '"MemoryMB": 5')).toMatchObject([
      { problem: "task main: memory is 10 MiB at least" },
      { problem: expect.stringContaining("/MemoryMB") },
    ]);
    expect(await spoil("jobs/web.json", "{{ x }} ${y}", "{{ x }}")).toMatchObject([
      { problem: expect.stringContaining("EmbeddedTmpl") },
      { problem: "local/volumes/m/a of task main does not come to the bytes of its ConfigMap" },
    ]);
  });

  it("says where HCL and JSON differ", async () => {
    await forge("in", "--out", "a");
    const { Job } = JSON.parse(readFileSync(join(folder, "a/jobs/web.json"), "utf8")) as { Job: object };
    expect(await judged(Job, "a")).toMatchObject({ code: 0, out: expect.stringContaining("1 jobs") });
    const other = await judged({ ...Job, Priority: 7 }, "a");
    expect(other).toMatchObject({
      code: 1,
      out: expect.stringContaining("says something else than the JSON at /Priority"),
    });
  });

  it.each([
    ["no folder", ["verify"], "one folder"],
    ["a folder that it did not write", ["verify", "in"], "was not written by forge migrate"],
    ["to run jobs nowhere", ["verify", "in", "--run"], "on which Nomad"],
    ["to compare what does not run", ["verify", "in", "--source", "web=http://old"], "add --run"],
    [
      "a source without a service",
      ["verify", "in", "--run", "--nomad", "http://127.0.0.1:1", "--source", "http://old"],
      "SERVICE=URL",
    ],
    ["nowhere to write to", ["in"], "where to"],
  ])("refuses %s", async (_what, args, says) => {
    expect(await forge(...args)).toMatchObject({ code: 2, err: expect.stringContaining(says) });
  });
});
