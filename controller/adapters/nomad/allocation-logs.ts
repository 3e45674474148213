import type { NomadClient } from "../../../clients/nomad";
import type { Clock } from "../../../protocol/clock";
import { HttpStatusError } from "../../../clients/http-json";
import type { LogOptions } from "../../engine";
import type { Changes } from "./changes";
import type { ServerRecord } from "./server-record";

export interface AllocationLogsDeps {
  readonly client: Pick<NomadClient, "files" | "logs">;
  readonly clock: Clock;
  /** The server as it is known now. */
  readonly record: () => ServerRecord | undefined;
  readonly changes: Changes;
  readonly serverId: string;
}

const TAIL_BYTES = 64 * 1024;
const FOLDER = "alloc/logs";
/** What a node still holds of a task that has ended is there within this time, or it is not to be had. */
const LAST_WORDS_MS = 5000;
/** A node that sends nothing, not even its heartbeats, for so long is gone. */
const IDLE_MS = 30_000;

type Stream = "stdout" | "stderr";

/** A server's output by line, `stdout` before `stderr`; with `follow` both as they come, until the server has ended. */
export async function* allocationLogs(deps: AllocationLogsDeps, options: LogOptions): AsyncGenerator<string> {
  const { follow = false } = options;
  // Ends every reading when the reader stops, also one that waits for a part.
  const over = new AbortController();
  const abort = (): void => over.abort();
  options.signal?.addEventListener("abort", abort, { once: true });
  if (options.signal?.aborted === true) abort();
  try {
    const record = await started(deps, follow, over.signal);
    if (record?.allocation === undefined) return;
    const { id } = record.allocation;
    const task = options.task ?? primaryOf(record);
    const reader = (type: Stream) => new TaskOutput(deps, { ...options, signal: over.signal, task, type, id });
    if (follow) yield* merged([reader("stdout").follow(), reader("stderr").follow()]);
    else for (const type of ["stdout", "stderr"] as const) yield* reader(type).read();
  } finally {
    options.signal?.removeEventListener("abort", abort);
    abort();
  }
}

/** The first task of the job as it was deployed. */
function primaryOf({ job, allocation }: ServerRecord): string {
  return job.tasks.find(({ leader }) => leader)?.name ?? job.tasks[0]?.name ?? allocation?.taskNames[0] ?? "server";
}

/** Waits, where it is to be followed, until its tasks have been started or never will be. */
async function started(
  { record, changes, serverId }: AllocationLogsDeps,
  follow: boolean,
  signal: AbortSignal,
): Promise<ServerRecord | undefined> {
  for (;;) {
    const found = record();
    const there = found === undefined || found.told === "running" || found.told === "ended";
    if (there || !follow || signal.aborted || changes.isClosed) return found;
    await changes.next(serverId, signal);
  }
}

interface TaskOutputOptions extends LogOptions {
  readonly signal: AbortSignal;
  readonly task: string;
  readonly type: Stream;
  /** Of the allocation. */
  readonly id: string;
}

/** One of the two outputs of a task, through its node. */
class TaskOutput {
  private readonly over = new AbortController();
  private lines = new WholeLines();
  /** The file that is being read, and how far. */
  private at = { file: "", bytes: 0 };

  constructor(
    private readonly deps: AllocationLogsDeps,
    private readonly options: TaskOutputOptions,
  ) {
    options.signal.addEventListener("abort", () => this.over.abort(), { once: true });
    if (options.signal.aborted) this.over.abort();
  }

  /** What is there now. */
  async *read(): AsyncGenerator<string> {
    yield* this.parts(await this.begin(), false);
    yield* this.lines.end();
  }

  /** What is there and what comes, up to the last word of a server that has ended. */
  async *follow(): AsyncGenerator<string> {
    const end = this.watchEnd();
    try {
      if (this.deps.record()?.failure === undefined) yield* this.parts(await this.begin(), true);
    } finally {
      end();
      this.over.abort();
    }
    if (!this.options.signal.aborted) yield* this.lines.end();
  }

  private async *parts(offset: number, follow: boolean): AsyncGenerator<string> {
    const { client, clock } = this.deps;
    const { task, type, id } = this.options;
    const silence = () => clock.after(IDLE_MS, () => this.over.abort());
    let cancel = silence();
    try {
      for await (const { file, data } of client.logs(id, { task, type, offset, follow, signal: this.over.signal })) {
        cancel();
        cancel = silence();
        if (file !== "" && file !== this.at.file) this.at = { file, bytes: this.at.file === "" ? this.at.bytes : 0 };
        this.at.bytes += data.length;
        yield* this.lines.push(data);
      }
    } catch (error) {
      // A task that never ran has no output and never will.
      const none = error instanceof HttpStatusError && error.status === 404;
      if (!none && !this.over.signal.aborted) throw error;
    } finally {
      cancel();
    }
  }

  /** Where to begin, in bytes after the beginning of the oldest file, so that `tailBytes` are told. */
  private async begin(): Promise<number> {
    const { tailBytes = TAIL_BYTES } = this.options;
    const files = await this.files();
    const size = files.reduce((sum, file) => sum + file.size, 0);
    const offset = Math.max(0, size - tailBytes);
    this.lines = new WholeLines(offset > 0);
    let rest = offset;
    for (const file of files) {
      if (rest < file.size) break;
      rest -= file.size;
    }
    this.at = { file: "", bytes: rest };
    return offset;
  }

  /** This output's files, the oldest first. */
  private async files(): Promise<{ readonly name: string; readonly size: number }[]> {
    const { task, type, id } = this.options;
    const start = `${task}.${type}.`;
    const files = await this.deps.client.files(id, FOLDER).catch(() => []);
    const number = (name: string) => Number(name.slice(start.length));
    return files
      .filter(({ name }) => name.startsWith(start) && Number.isInteger(number(name)))
      .sort((a, b) => number(a.name) - number(b.name));
  }

  /** Nomad follows an ended task's files for ever: the reading ends with the last byte of the last of them. */
  private watchEnd(): () => void {
    const { record, changes, serverId, clock } = this.deps;
    const watch = async (): Promise<void> => {
      for (let found = record(); found?.told !== "ended" && found !== undefined; found = record()) {
        if (this.over.signal.aborted || changes.isClosed) break;
        await changes.next(serverId, this.over.signal);
      }
      const deadline = clock.now() + LAST_WORDS_MS;
      while (!this.over.signal.aborted && clock.now() < deadline && !(await this.readAll())) {
        await new Promise<void>((resolve) => clock.after(50, () => resolve()));
      }
      this.over.abort();
    };
    void watch();
    return () => this.over.abort();
  }

  private async readAll(): Promise<boolean> {
    const last = (await this.files()).at(-1);
    if (last === undefined || last.size === 0 || this.over.signal.aborted) return true;
    const reading = this.at.file.endsWith(`/${last.name}`) || this.at.file === "";
    return reading && this.at.bytes >= last.size;
  }
}

/** Cuts what comes into lines. */
class WholeLines {
  private readonly decoder = new TextDecoder();
  private rest = "";

  /** @param broken it begins within a line, whose rest is left out */
  constructor(private broken = false) {}

  push(data: Uint8Array): string[] {
    const lines = (this.rest + this.decoder.decode(data, { stream: true })).split("\n");
    this.rest = lines.pop() ?? "";
    if (!this.broken || lines.length === 0) return lines;
    this.broken = false;
    return lines.slice(1);
  }

  end(): string[] {
    return this.rest === "" || this.broken ? [] : [this.rest];
  }
}

/** Lines of several sources as they come. Whoever stops reading ends all of them. */
async function* merged(sources: readonly AsyncGenerator<string>[]): AsyncGenerator<string> {
  const next = (source: AsyncGenerator<string>) => source.next().then((result) => ({ source, result }));
  const waiting = new Map(sources.map((source) => [source, next(source)]));
  try {
    while (waiting.size > 0) {
      const { source, result } = await Promise.race(waiting.values());
      if (result.done === true) waiting.delete(source);
      else {
        waiting.set(source, next(source));
        yield result.value;
      }
    }
  } finally {
    // Not waited for: a source that waits for its next part ends when its signal aborts.
    for (const source of waiting.keys()) void source.return(undefined);
  }
}
