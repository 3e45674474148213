import { constants } from "node:os";
import type { NomadAllocation, NomadTaskState } from "../../../clients/nomad-answers";
import type { EngineErrorCode, ServerExit } from "../../engine";

/** Nomad ends a task with these because another one ended: it is not the one that the server died of. */
const DRAGGED_ALONG = new Set(["Sibling Task Failed", "Leader Task Dead"]);
/** Client states in which nothing of an allocation runs any more. `unknown` is none of them: its node is out of reach. */
const ENDED = new Set(["complete", "failed", "lost"]);

/** What Nomad tells of a task that it took on again after its client's restart, and whose end it could not watch. */
const UNKNOWN_EXIT = -1;

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

export function hasEnded({ client }: NomadAllocation): boolean {
  return ENDED.has(client);
}

export function hasStarted(allocation: NomadAllocation): boolean {
  return Object.values(allocation.tasks).some((task) => started(task));
}

/** Every task's process has been started. */
export function allStarted({ tasks, taskNames }: NomadAllocation): boolean {
  return taskNames.length > 0 && taskNames.every((name) => tasks[name] !== undefined && started(tasks[name]));
}

/** A task that is over while others run on: of a server every task counts, so its end is the server's. */
export function hasDeadTask({ client, tasks }: NomadAllocation): boolean {
  return client === "running" && Object.values(tasks).some(({ state }) => state === "dead");
}

/** How an allocation ended: by the task that was the first to end by itself or as asked. */
export function exitOf(allocation: NomadAllocation): ServerExit {
  const ended = Object.entries(allocation.tasks)
    .filter(([, task]) => !task.events.some(({ type }) => DRAGGED_ALONG.has(type)))
    .sort(([, a], [, b]) => (a.finishedAtMs ?? Infinity) - (b.finishedAtMs ?? Infinity));
  const [name, task] = ended[0] ??
    Object.entries(allocation.tasks)[0] ?? [allocation.taskNames[0] ?? "server", undefined];
  const terminated = task?.events.findLast(({ type }) => type === "Terminated");
  const signal = terminated?.signal ?? 0;
  const exitCode = terminated?.exitCode ?? UNKNOWN_EXIT;
  return {
    task: name,
    exitCode: signal > 0 || exitCode === UNKNOWN_EXIT ? undefined : exitCode,
    signal: signal > 0 ? (SIGNAL_NAMES.get(signal) ?? `signal ${String(signal)}`) : undefined,
    outOfMemory: terminated?.outOfMemory ?? false,
    requested: task === undefined ? allocation.desired !== "run" : wasAsked(task, allocation),
    atMs: terminated?.atMs ?? task?.finishedAtMs ?? allocation.modifiedAtMs,
  };
}

/**
 * Whether the end was asked for, by what the task's own events say: that holds for every controller, and one that crashed
 * before it was stopped stays one that crashed.
 */
function wasAsked({ events }: NomadTaskState, { desired }: NomadAllocation): boolean {
  const end = events.findIndex(({ type }) => type === "Terminated");
  if (end < 0) return desired !== "run";
  return events
    .slice(0, end)
    .some(({ type, sent }) => type === "Killing" || (type === "Signaling" && sent === "SIGKILL"));
}

function started({ events, startedAtMs }: NomadTaskState): boolean {
  // Nomad keeps the last ten events of a task.
  return startedAtMs !== undefined || events.some(({ type }) => type === "Started");
}

export interface StartFailure {
  readonly code: EngineErrorCode;
  readonly reason: string;
}

const FAILURES = new Set(["Driver Failure", "Setup Failure", "Failed Validation", "Failed Artifact Download"]);
const CODES: readonly (readonly [RegExp, EngineErrorCode])[] = [
  [/address already in use|port is already allocated/i, "portTaken"],
  [
    /could not be found|no such file|executable file not found|not found|failed to pull|pull access denied/i,
    "programMissing",
  ],
  [/driver .*(not detected|unhealthy|disabled|missing)/i, "driverUnsupported"],
];

/** Why an allocation failed before any of its tasks ran; undefined where one ran, or its stop was asked for. */
export function startFailure(allocation: NomadAllocation): StartFailure | undefined {
  const { client, desired, description } = allocation;
  if (client !== "failed" || desired !== "run" || hasStarted(allocation)) return undefined;
  for (const [task, { events }] of Object.entries(allocation.tasks)) {
    const failure = events.find(({ type }) => FAILURES.has(type));
    if (failure === undefined) continue;
    const code = CODES.find(([pattern]) => pattern.test(failure.message))?.[1] ?? "startFailed";
    return { code, reason: `task ${task} could not be started: ${failure.message}` };
  }
  const last = Object.values(allocation.tasks).flatMap(({ events }) => events.map(({ message }) => message));
  return { code: "startFailed", reason: `it failed before it started: ${[description, ...last].join("; ")}` };
}
