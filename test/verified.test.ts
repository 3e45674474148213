import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastRunOf, merge, render } from "../scripts/verified.mjs";
import { recordFigure } from "./records";

const NOTHING = { runs: {}, files: {} };
const FILE = "test/cluster/some.test.ts";
const run = (date: string) => ({ date, commit: "abc1234", machine: "Debian", versions: { Nomad: "2.0.5" } });
const part = (file: string, name: string) => ({ kind: "part" as const, file, part: name });

describe("what was run for real", () => {
  it("is kept with figures, and a later run of another file leaves it", () => {
    const figure = { kind: "figure" as const, file: FILE, test: "one", name: "seat again", value: 12, unit: "ms" };
    const first = merge(
      NOTHING,
      run("2026-01-01"),
      [
        {
          file: FILE,
          tests: [
            { name: "one", outcome: "passed" },
            { name: "two", outcome: "pending" },
          ],
        },
      ],
      [part(FILE, "Nomad"), figure],
    );
    const other = { file: "test/e2e/other.test.ts", tests: [{ name: "three", outcome: "failed" }] };
    const page = render(merge(first, run("2026-01-02"), [other], []));
    expect(page).toContain("- one: seat again **12 ms**");
    expect(page).toContain("- not run: two");
    expect(page).toContain("- **failed:** three");
    expect(page).toContain("| 1 | 2026-01-01 | abc1234 | Debian | Nomad 2.0.5 |");
    expect(page).toContain(`| Nomad | 2026-01-01, abc1234 | \`${FILE}\` |`);
  });

  it("is told of a part that is skipped, until it runs again", () => {
    const ran = (outcome: string) => [{ file: FILE, tests: [{ name: "one", outcome }] }];
    const first = merge(NOTHING, run("2026-01-01"), ran("passed"), [part(FILE, "Nomad")]);
    const skipped = merge(first, run("2026-01-02"), ran("pending"), []);
    expect(lastRunOf(skipped, "Nomad")?.date).toBe("2026-01-01");
    expect(lastRunOf(skipped, "Consul")).toBeUndefined();
    const again = merge(skipped, run("2026-01-03"), ran("passed"), [part(FILE, "Nomad")]);
    expect(lastRunOf(again, "Nomad")?.date).toBe("2026-01-03");
    expect(Object.keys(again.runs)).toEqual(["2026-01-03 abc1234"]);
  });

  it("has units only where they run somebody else's program", () => {
    const unit = { file: "agent/agent.test.ts", tests: [{ name: "one", outcome: "passed" }] };
    expect(merge(NOTHING, run("2026-01-01"), [unit], []).files).toEqual({});
    const real = merge(NOTHING, run("2026-01-01"), [unit], [part("agent/agent.test.ts", "Minetest")]);
    expect(Object.keys(real.files)).toEqual(["agent/agent.test.ts"]);
  });

  it("takes titles of tests for text, not for Markdown", () => {
    const outcome = { file: FILE, tests: [{ name: "reads [a](b) and `forge nothing` | *x*", outcome: "passed" }] };
    expect(render(merge(NOTHING, run("2026-01-01"), [outcome], []))).toContain(
      "- reads \\[a\\](b) and forge nothing \\| \\*x\\*",
    );
  });
});

describe("a figure of a test", () => {
  const before = process.env["FORGE_TEST_RECORDS"];
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "forge-records-"))));
  afterEach(() => {
    if (before === undefined) delete process.env["FORGE_TEST_RECORDS"];
    else process.env["FORGE_TEST_RECORDS"] = before;
    rmSync(folder, { recursive: true });
  });

  it("is left with its file and its test, and nowhere without npm test", () => {
    delete process.env["FORGE_TEST_RECORDS"];
    recordFigure("nothing", 1);
    const file = join(folder, "records");
    process.env["FORGE_TEST_RECORDS"] = file;
    recordFigure("seats", 12, "a second");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      kind: "figure",
      file: __filename,
      test: "a figure of a test is left with its file and its test, and nowhere without npm test",
      name: "seats",
      value: 12,
      unit: "a second",
    });
  });
});
