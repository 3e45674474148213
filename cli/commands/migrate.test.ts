import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
    ["a folder without jobs", ["verify", "in", "--nomad", "http://127.0.0.1:1"], "has no jobs/"],
    ["no Nomad", ["verify", "in"], "which Nomad"],
    ["nowhere to write to", ["in"], "where to"],
  ])("refuses %s", async (_what, args, says) => {
    expect(await forge(...args)).toMatchObject({ code: 2, err: expect.stringContaining(says) });
  });
});
