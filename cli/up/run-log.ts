import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import pino, { type Logger } from "pino";
import { errorMessage } from "../error-code";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";

/**
 * The log of what runs in this process: `forge.log` in a folder. On a full disk its lines are lost, which is said once, and
 * the run goes on.
 *
 * @throws {CliError} where it cannot be written to at all
 */
export function openRunLog(folder: string, tell: (line: string) => void): Logger {
  const file = join(folder, "forge.log");
  const destination = pino.destination({ dest: opened(folder, file), sync: false });
  destination.once("error", (error: Error) => tell(`${file} is not written to any more: ${error.message}`));
  // Without a listener its next error would be the end of this process.
  destination.on("error", () => undefined);
  return pino({ level: "info" }, destination);
}

function opened(folder: string, file: string): number {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return openSync(file, "a", 0o600);
  } catch (error) {
    const fix = "remove it, or use a folder that this user may write to";
    throw new CliError("logNotWritable", EXIT.failed, `the log cannot be written: ${errorMessage(error)}`, fix);
  }
}
