import type { CliContext } from "../context";
import { approval } from "./approval";

/** As much of a command's surroundings as asking needs: a terminal on which one thing is typed. */
function asked(typed: string | undefined, takesKeys = true) {
  const out: string[] = [];
  const terminal = {
    takesKeys,
    onKey: (listener: (key: string) => void) => {
      setImmediate(() => listener(typed ?? ""));
      return () => undefined;
    },
  };
  const io = { out: (text: string) => out.push(text), terminal: typed === undefined ? undefined : terminal };
  return { out, context: { io, options: { json: false } } as unknown as CliContext };
}

test.each([
  ["y", true],
  ["Y", true],
  ["y\r", true],
  ["yes\n", true],
  ["n", false],
  ["\r", false],
  ["q", false],
])("%j typed is %s", async (typed, agreed) => {
  const { context, out } = asked(typed);
  expect(await approval("Deploy", false, context)("east-embedded")).toBe(agreed);
  expect(out.join("")).toBe(`Deploy east-embedded? [y/N] ${agreed ? "yes" : "no"}\n`);
});

test.each([
  ["there is no terminal", asked(undefined)],
  ["the terminal's keys go elsewhere", asked("y", false)],
])("where %s it is said at once that nobody can be asked, unless it was said before", async (_why, { context }) => {
  expect(() => approval("Deploy", false, context)).toThrow(/nobody can be asked/);
  expect(await approval("Deploy", true, context)("east-embedded")).toBe(true);
});
