import { appendFileSync } from "node:fs";

/** What tests leave for docs/verified.md, one a line; scripts/verified.mjs reads it. */
type TestRecord =
  | { readonly kind: "part"; readonly file: string; readonly part: string }
  | {
      readonly kind: "figure";
      readonly file: string;
      /** Undefined outside of a test, in a hook for instance. */
      readonly test?: string | undefined;
      readonly name: string;
      readonly value: number | string;
      readonly unit: string;
    };

/**
 * Keeps a figure that was measured in a test on its way: `npm run verify` writes it to docs/verified.md beside the test.
 * Tests assert no times; this is where they go. Without `npm test` around it does nothing.
 *
 * @param name what was measured, as a phrase: "seat again after the controller was killed"
 * @param unit behind the value: "ms", "servers"; "" where the value speaks for itself
 */
export function recordFigure(name: string, value: number | string, unit = ""): void {
  const { testPath, currentTestName } = expect.getState();
  if (testPath === undefined) return;
  keep({ kind: "figure", file: testPath, test: currentTestName, name, value, unit });
}

/** Keeps what the summary of a `forge up` with its demonstration says. */
export function recordSummary(summary: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(summary)) {
    if (typeof value === "number") recordFigure(name, value);
    const { p50, p99 } = (value ?? {}) as { readonly p50?: unknown; readonly p99?: unknown };
    if (typeof p50 === "number" && typeof p99 === "number") recordFigure(name, `p50 ${p50}, p99 ${p99}`, "ms");
  }
}

/** Keeps that this test file runs something real that not every machine has. */
export function recordPart(part: string): void {
  const { testPath } = expect.getState();
  if (testPath !== undefined) keep({ kind: "part", file: testPath, part });
}

/** Whole lines, appended: two jest workers write to one file. */
function keep(record: TestRecord): void {
  const to = process.env["FORGE_TEST_RECORDS"];
  if (to !== undefined && to !== "") appendFileSync(to, `${JSON.stringify(record)}\n`);
}
