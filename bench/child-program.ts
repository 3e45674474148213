import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { ProcTable } from "../agent/stats/proc-table";
import type { ProgramStart } from "../config/program-start";

/** MiB. PSS shares what several processes have in common, such as Node itself, among them. */
export interface Memory {
  readonly rss: number;
  readonly pss: number;
}

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };

const EXIT_WITHIN_MS = 10_000;
const table = new ProcTable();

/** A part of a benchmark in a process of its own, asked over Node's IPC. It ends when its parent does. */
export class ChildProgram {
  private readonly waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  private lastId = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on("message", (message) => this.onAnswer(message as Answer));
    child.once("exit", (code, signal) => {
      const error = new Error(`${child.spawnargs[1] ?? "a child"} ended: ${signal ?? String(code)}`);
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    });
  }

  /** @param start how Node is started; plainly unless told */
  static start(script: string, { nodeOptions, env }: ProgramStart = { nodeOptions: [], env: {} }): ChildProgram {
    const options = { execArgv: [...nodeOptions], env: { ...process.env, ...env } };
    return new ChildProgram(fork(script, [], { ...options, serialization: "advanced" }));
  }

  get pid(): number {
    return this.child.pid ?? NaN;
  }

  /** @throws {Error} what the program threw, or that it ended */
  ask<T>(name: string, argument?: unknown): Promise<T> {
    const id = ++this.lastId;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, name, argument } satisfies Question);
    });
  }

  /** Of the process so far, in milliseconds. */
  cpuMs(): number {
    return cpuMsOf(this.pid);
  }

  memory(): Memory {
    return memoryOf(this.pid);
  }

  /** Lets it close; one that hangs is killed. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, "exit");
    const kill = setTimeout(() => this.child.kill("SIGKILL"), EXIT_WITHIN_MS);
    if (this.child.connected) this.child.disconnect();
    await gone;
    clearTimeout(kill);
  }

  private onAnswer(answer: Answer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.value as never);
  }
}

/** The program's own side: answers by name; `close` is called when the parent lets it go or has died. */
export function answerParent(
  handlers: Readonly<Record<string, (argument: never) => unknown>>,
  close: () => Promise<void> | void = () => undefined,
): void {
  process.on("message", (message) => {
    const { id, name, argument } = message as Question;
    const handled = Promise.resolve().then(() => {
      const handler = handlers[name];
      if (!handler) throw new Error(`asked for ${name}, which is none of ${Object.keys(handlers).join(", ")}`);
      return handler(argument as never);
    });
    handled.then(
      (value) => process.send?.({ id, value } satisfies Answer),
      (error: unknown) =>
        process.send?.({ id, error: String((error as Error | undefined)?.stack ?? error) } satisfies Answer),
    );
  });
  process.once("disconnect", () => void Promise.resolve(close()).finally(() => process.exit(0)));
}

/** Linux only. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const mib = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(text)?.[1]) / 1024;
  return { rss: mib("Rss"), pss: mib("Pss") };
}

/** Of the process and the children it has waited for. */
export function cpuMsOf(pid: number): number {
  return table.read(pid)?.cpuMs ?? NaN;
}
