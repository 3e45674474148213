import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROBLEMS, ProblemError, problemsAsMarkdown } from "./problems";

describe("the error catalogue", () => {
  it("is what docs/errors.md says : if this fails, run `npx tsx scripts/write-api-docs.ts`", () => {
    expect(readFileSync(join(__dirname, "../docs/errors.md"), "utf8")).toBe(problemsAsMarkdown());
  });

  it.each(Object.entries(PROBLEMS))(
    "%s has a status of an error, a title and a sentence",
    (_code, { status, title, doc }) => {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
      expect(title).toMatch(/^[A-Z].*[^.]$/);
      expect(doc).toMatch(/^[A-Z`].*\.$/);
    },
  );
});

describe("a problem", () => {
  it("is an RFC 9457 body with its code", () => {
    const problem = new ProblemError("unknownServer", "srv-a-1 is not here", { info: { region: "a" } }).toProblem(
      "req-7",
    );
    expect(problem).toEqual({
      type: "urn:forge:problem:unknownServer",
      title: "No such server",
      status: 404,
      code: "unknownServer",
      detail: "srv-a-1 is not here",
      retryable: false,
      requestId: "req-7",
      info: { region: "a" },
    });
  });

  it.each([
    ["queueFull", undefined, "1"],
    ["overloaded", 2.2, "3"],
    ["noCapacity", 0, "1"],
    ["conflict", undefined, undefined],
    ["serverNotReady", 4, "4"],
  ] as const)("%s that asks for %p s has Retry-After %p", (code, retryAfterSecs, expected) => {
    expect(new ProblemError(code, "x", { retryAfterSecs }).headers["retry-after"]).toBe(expected);
  });

  it("keeps its own headers", () => {
    expect(new ProblemError("methodNotAllowed", "x", { headers: { allow: "GET" } }).headers).toEqual({ allow: "GET" });
  });
});
