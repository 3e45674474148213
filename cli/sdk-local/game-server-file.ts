import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { MAX_LIST_CAPACITY, DEFAULT_COUNT_CAPACITY } from "../../config/count-limits";
import type { CountedList, Counter } from "../../protocol/counts";
import { errorMessage } from "../error-code";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";

/** What a desk's server is, however it was told: by a file in Agones' words, or by nobody. */
export interface DeskServer {
  readonly name: string;
  readonly uid: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly health: {
    readonly disabled: boolean;
    readonly periodSeconds: number;
    readonly failureThreshold: number;
  };
  readonly ports: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, Counter>>;
  readonly lists: Readonly<Record<string, CountedList>>;
  readonly players: CountedList;
  /** Undefined: it starts, and says itself when it is ready. */
  readonly state: FileState | undefined;
}

export type FileState = "Ready" | "Reserved" | "Allocated" | "Shutdown";

/** Without a file: the counter and the list that Agones' local mode has, too. */
export const DEFAULT_SERVER: DeskServer = {
  name: "local",
  uid: undefined,
  labels: { islocal: "true" },
  annotations: { annotation: "true" },
  health: { disabled: false, periodSeconds: 5, failureThreshold: 3 },
  ports: { default: 7777 },
  counters: { rooms: { count: 1, capacity: 10 } },
  lists: { players: { capacity: 100, values: ["test0", "test1", "test2"] } },
  players: { capacity: 16, values: [] },
  state: undefined,
};

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const texts = z.record(z.string(), z.string()).nullish();
const counters = z
  .record(z.string(), z.object({ count: count.default(0), capacity: count.default(DEFAULT_COUNT_CAPACITY) }))
  .nullish();
const lists = z
  .record(
    z.string(),
    z.object({
      capacity: count.max(MAX_LIST_CAPACITY).default(DEFAULT_COUNT_CAPACITY),
      values: z.array(z.string()).default([]),
    }),
  )
  .nullish();
const port = z.number().int().min(1).max(65_535);

/** As much of Agones' GameServer as a server's SDK shows; what else stands in a file is for Kubernetes. */
const schema = z.object({
  apiVersion: z.string().regex(/^agones\.dev\/v1$/, "must be agones.dev/v1"),
  kind: z.literal("GameServer", "must be GameServer"),
  metadata: z
    .object({ name: z.string().max(128).optional(), uid: z.string().max(128).optional() })
    .extend({ labels: texts, annotations: texts })
    .nullish(),
  spec: z
    .object({
      health: z
        .object({
          disabled: z.boolean().optional(),
          periodSeconds: z.number().int().min(1).optional(),
          failureThreshold: z.number().int().min(1).optional(),
        })
        .nullish(),
      ports: z
        .array(z.object({ name: z.string().optional(), hostPort: port.optional(), containerPort: port.optional() }))
        .nullish(),
      counters,
      lists,
      players: z.object({ initialCapacity: count.optional() }).nullish(),
    })
    .nullish(),
  status: z
    .object({
      state: z
        .enum(["", "Scheduled", "Ready", "Reserved", "Allocated", "Shutdown"], "is none that a file can ask for")
        .nullish(),
      ports: z.array(z.object({ name: z.string(), port })).nullish(),
      counters,
      lists,
      players: z.object({ capacity: count.optional(), ids: z.array(z.string()).nullish() }).nullish(),
    })
    .nullish(),
});

/**
 * Reads a GameServer of Agones, YAML or JSON, as its SDK server's local mode takes it with `--file`.
 * @param shown how the file is named to people
 * @throws {CliError} that names every place that is wrong
 */
export function readGameServerFile(path: string, shown: string): DeskServer {
  const parsed = schema.safeParse(documentOf(path, shown));
  if (!parsed.success) {
    const places = parsed.error.issues.map((issue) => `${issue.path.join(".") || "the document"}: ${issue.message}`);
    throw bad(`${shown} is no GameServer that can be answered for: ${places.join("; ")}`);
  }
  const { metadata, spec, status } = parsed.data;
  const of = DEFAULT_SERVER;
  const given = { ...status?.counters, ...spec?.counters };
  const givenLists = { ...status?.lists, ...spec?.lists };
  const { state } = status ?? {};
  return {
    name: metadata?.name ?? of.name,
    uid: metadata?.uid,
    labels: metadata?.labels ?? {},
    annotations: metadata?.annotations ?? {},
    health: { ...of.health, ...defined(spec?.health ?? {}) },
    ports: portsOf(parsed.data),
    // The state of now, where the file has both.
    counters: { ...given, ...status?.counters },
    lists: { ...givenLists, ...status?.lists },
    players: {
      capacity: status?.players?.capacity ?? spec?.players?.initialCapacity ?? of.players.capacity,
      values: status?.players?.ids ?? [],
    },
    state: state === "" || state === "Scheduled" || state === null ? undefined : state,
  };
}

function portsOf({ spec, status }: z.output<typeof schema>): Readonly<Record<string, number>> {
  const told = status?.ports?.map(({ name, port: of }) => [name, of] as const) ?? [];
  const declared = (spec?.ports ?? []).flatMap(({ name = "default", hostPort, containerPort }) => {
    const of = hostPort ?? containerPort;
    return of === undefined ? [] : [[name, of] as const];
  });
  const ports = Object.fromEntries([...declared, ...told]);
  return Object.keys(ports).length > 0 ? ports : DEFAULT_SERVER.ports;
}

function documentOf(path: string, shown: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw bad(`${shown} cannot be read: ${errorMessage(error)}`);
  }
  const [first, ...more] = parseAllDocuments(text);
  if (first === undefined || !("toJS" in first)) throw bad(`${shown} is empty`);
  if (more.length > 0) throw bad(`${shown} has ${more.length + 1} documents; one server has one`);
  const [problem] = first.errors;
  if (problem) throw bad(`${shown}: ${problem.message.split("\n")[0]}`);
  return first.toJS({ maxAliasCount: 10 });
}

function defined<Of extends object>(of: Of): { [Key in keyof Of]: Exclude<Of[Key], undefined> } {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as never;
}

function bad(problem: string): CliError {
  const fix = "give a GameServer of Agones (apiVersion agones.dev/v1), as docs/sdk.md shows one";
  return new CliError("gameServerFile", EXIT.badInput, problem, fix);
}
