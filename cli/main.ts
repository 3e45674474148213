import { Socket } from "node:net";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { version } from "../package.json";
import type { CliIo, CliTerminal } from "./io";
import { runCli } from "./program";

const io: CliIo = {
  env: process.env,
  cwd: process.cwd(),
  // The bundle is dist/forge.js.
  home: dirname(__dirname),
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  // Undefined, not false, where it is no terminal.
  outIsTerminal: process.stdout.isTTY === true,
  errIsTerminal: process.stderr.isTTY === true,
  outColor: hasColors(process.stdout),
  errColor: hasColors(process.stderr),
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
  onLine(listener) {
    // Its type says a terminal; /dev/null or a file is a stream of another kind, which holds no process and has no `unref`.
    const input: NodeJS.ReadableStream = process.stdin;
    const lines = createInterface({ input });
    lines.on("line", listener);
    return () => {
      lines.close();
      if (input instanceof Socket) input.unref();
    };
  },
  terminal: process.stdout.isTTY ? terminal(process.stdin, process.stdout) : undefined,
};

/** False, not undefined, for a pipe: where nothing is said, colours would be chosen by the environment, and CI has them. */
function hasColors(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && stream.hasColors();
}

function terminal(input: NodeJS.ReadStream, output: NodeJS.WriteStream): CliTerminal {
  return {
    takesKeys: input.isTTY === true,
    size: () => ({ width: output.columns || 80, height: output.rows || 24 }),
    onResize(listener) {
      output.on("resize", listener);
      return () => output.off("resize", listener);
    },
    onKey(listener) {
      const onData = (data: Buffer): void => listener(data.toString("utf8"));
      input.setRawMode(true);
      input.resume();
      input.on("data", onData);
      return () => {
        input.off("data", onData);
        input.setRawMode(false);
        input.pause();
      };
    },
  };
}

// `forge events | head`: whoever read has enough. A detached run goes on: after its first line nobody reads it.
const detached = process.env["FORGE_DETACHED"] !== undefined;
for (const stream of detached ? [process.stdout, process.stderr] : [process.stdout])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (!detached) process.exit(0);
  });

void runCli(process.argv.slice(2), io, version).then((code) => {
  process.exitCode = code;
});
