import type { CliContext } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";

/**
 * Asks on the terminal whether a stack's changes are to be made; with `--yes` they are.
 * @throws {CliError} at once where nobody can answer
 */
export function approval(verb: string, yes: boolean, context: CliContext): (stack: string) => Promise<boolean> {
  if (yes) return async () => true;
  const { terminal } = context.io;
  if (!terminal?.takesKeys || context.options.json) {
    const message = "nobody can be asked here whether to go on";
    throw new CliError(
      "needsYes",
      EXIT.badInput,
      message,
      "give --yes, or use a terminal; `forge plan` shows what it is about",
    );
  }
  return (stack) =>
    new Promise((resolve) => {
      context.io.out(`${verb} ${stack}? [y/N] `);
      const off = terminal.onKey((key) => {
        off();
        // What was typed ahead comes in one piece: "y" and the line's end.
        const agreed = /^y/i.test(key);
        context.io.out(agreed ? "yes\n" : "no\n");
        // In raw mode Ctrl-C is a key like any other.
        if (key.startsWith("\u0003")) process.kill(process.pid, "SIGINT");
        resolve(agreed);
      });
    });
}
