import type { EntrySpec, ProgramLine, RootRequest, StopSpec, TaskSpec } from "../root-protocol";

/** A request that is not one; the message names the place and the value. */
export class MalformedRequest extends Error {}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const MAX_RECORD_BYTES = 64 * 1024;
const MAX_TASKS = 16;
const MAX_GRACE_SECS = 24 * 3600;

/** A line's JSON object, and the number that its answer goes by; 0 where it has none. @throws {MalformedRequest} */
export function readFrame(line: string): { readonly n: number; readonly fields: Fields } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new MalformedRequest("the line is not JSON");
  }
  const fields = object(value, "the request");
  return { n: typeof fields.n === "number" ? fields.n : 0, fields };
}

/**
 * The request in a line. Checked by hand rather than with zod, which would add a quarter to root's memory.
 *
 * @throws {MalformedRequest}
 */
export function checkRequest(frame: Fields): RootRequest {
  switch (frame.op) {
    case "hello":
      return {
        op: "hello",
        secret: text(frame.secret, "secret"),
        protocol: number(frame.protocol, "protocol", 1, 1e6),
      };
    case "spawn":
      return { op: "spawn", spec: entrySpec(object(frame.spec, "spec")) };
    case "signal":
      return { op: "signal", id: id(frame.id, "id"), signal: signal(frame.signal, "signal") };
    case "stop":
      return { op: "stop", id: id(frame.id, "id"), graceSecs: graceSecs(frame.graceSecs, "graceSecs") };
    case "list":
      return { op: "list" };
    case "forget":
      return { op: "forget", id: id(frame.id, "id") };
    case "shutdown":
      return { op: "shutdown", graceSecs: graceSecs(frame.graceSecs, "graceSecs") };
    default:
      throw new MalformedRequest(
        `op: ${shown(frame.op)} is none of hello, spawn, signal, stop, list, forget, shutdown`,
      );
  }
}

function entrySpec(spec: Fields): EntrySpec {
  const tasks = list(spec.tasks, "spec.tasks").map((task, i) => taskSpec(object(task, `spec.tasks[${i}]`), i));
  if (tasks.length === 0 || tasks.length > MAX_TASKS) {
    throw new MalformedRequest(`spec.tasks: ${tasks.length} tasks where 1 to ${MAX_TASKS} can be`);
  }
  if (new Set(tasks.map((task) => task.name)).size < tasks.length) {
    throw new MalformedRequest("spec.tasks: two tasks have the same name");
  }
  const record = text(spec.record, "spec.record");
  if (Buffer.byteLength(record) > MAX_RECORD_BYTES) {
    throw new MalformedRequest(`spec.record: longer than ${MAX_RECORD_BYTES} bytes`);
  }
  return {
    id: id(spec.id, "spec.id"),
    kind: oneOf(spec.kind, "spec.kind", ["server", "program"]),
    tasks,
    logDir: path(spec.logDir, "spec.logDir"),
    record,
    claims: texts(spec.claims, "spec.claims"),
    restart: oneOf(spec.restart, "spec.restart", ["always", "never"]),
    stop: stopSpec(object(spec.stop, "spec.stop")),
  };
}

function taskSpec(task: Fields, index: number): TaskSpec {
  const at = `spec.tasks[${index}]`;
  return {
    name: id(task.name, `${at}.name`),
    ...programLine(task, at),
    env: environment(object(task.env, `${at}.env`), `${at}.env`),
    cwd: path(task.cwd, `${at}.cwd`),
    cpu: number(task.cpu, `${at}.cpu`, 0, 1e9),
    memory: number(task.memory, `${at}.memory`, 0, 1e9),
  };
}

function stopSpec(stop: Fields): StopSpec {
  const command =
    stop.command === null ? null : programLine(object(stop.command, "spec.stop.command"), "spec.stop.command");
  return {
    command,
    signal: signal(stop.signal, "spec.stop.signal"),
    graceSecs: graceSecs(stop.graceSecs, "spec.stop.graceSecs"),
  };
}

function programLine(fields: Fields, at: string): ProgramLine {
  return { command: path(fields.command, `${at}.command`), args: texts(fields.args, `${at}.args`) };
}

export type Fields = Readonly<Record<string, unknown>>;

function object(value: unknown, at: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new MalformedRequest(`${at}: ${shown(value)} is not an object`);
}

function list(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new MalformedRequest(`${at}: ${shown(value)} is not a list`);
}

/** No NUL: it would end an argument or a variable early. */
function text(value: unknown, at: string): string {
  if (typeof value === "string" && !value.includes("\0")) return value;
  throw new MalformedRequest(`${at}: ${shown(value)} is not a text without NUL`);
}

function texts(value: unknown, at: string): readonly string[] {
  return list(value, at).map((item, i) => text(item, `${at}[${i}]`));
}

function environment(fields: Fields, at: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, text(value, `${at}.${name}`)]));
}

function path(value: unknown, at: string): string {
  const found = text(value, at);
  if (found.startsWith("/")) return found;
  throw new MalformedRequest(`${at}: ${shown(found)} is not an absolute path`);
}

/** Ids become file names, so nothing that could leave a folder. */
function id(value: unknown, at: string): string {
  const found = text(value, at);
  if (ID.test(found)) return found;
  throw new MalformedRequest(`${at}: ${shown(found)} is not 1 to 128 letters, digits, ".", "_" or "-"`);
}

function signal(value: unknown, at: string): string {
  const found = text(value, at);
  if (/^SIG[A-Z0-9]{2,8}$/.test(found)) return found;
  throw new MalformedRequest(`${at}: ${shown(found)} is not a signal's name such as SIGTERM`);
}

function graceSecs(value: unknown, at: string): number {
  return number(value, at, 0, MAX_GRACE_SECS);
}

function number(value: unknown, at: string, least: number, most: number): number {
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw new MalformedRequest(`${at}: ${shown(value)} is not a number from ${least} to ${most}`);
}

function oneOf<T extends string>(value: unknown, at: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new MalformedRequest(`${at}: ${shown(value)} is none of ${choices.join(", ")}`);
}

/** Short, for messages; never a whole environment. */
function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? "nothing";
  return json.length > 40 ? `${json.slice(0, 40)}…` : json;
}
