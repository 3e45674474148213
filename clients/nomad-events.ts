import {
  allocationSchema,
  evaluationSchema,
  jobSchema,
  nodeSchema,
  type NomadAllocation,
  type NomadEvaluation,
  type NomadJob,
  type NomadNode,
} from "./nomad-answers";

/** One thing that Nomad's event stream says of an object: how it is now. */
export type NomadEvent =
  | { readonly topic: "job"; readonly type: string; readonly job: NomadJob }
  | { readonly topic: "allocation"; readonly type: string; readonly allocation: NomadAllocation }
  | { readonly topic: "evaluation"; readonly type: string; readonly evaluation: NomadEvaluation }
  | { readonly topic: "node"; readonly type: string; readonly node: NomadNode };

/** A line of the stream. A heartbeat has no events; `index` is that of the change in Nomad's state. */
export interface NomadEventBatch {
  readonly index: number;
  readonly events: readonly NomadEvent[];
}

interface RawEvent {
  readonly Topic?: unknown;
  readonly Type?: unknown;
  readonly Payload?: Readonly<Record<string, unknown>> | null;
}

/**
 * Reads one line of `/v1/event/stream`. Events of other topics and those that cannot be read are left out and counted:
 * what they would have said comes with the next list.
 * @throws {Error} where the line is no JSON, or says that the stream has failed
 */
export function parseEventLine(line: string): NomadEventBatch & { readonly unreadable: number } {
  const raw = JSON.parse(line) as {
    readonly Index?: number;
    readonly Events?: readonly RawEvent[] | null;
    readonly Error?: unknown;
  };
  if (raw.Error !== undefined && raw.Error !== null) throw new Error(JSON.stringify(raw.Error));
  const events: NomadEvent[] = [];
  let unreadable = 0;
  for (const event of raw.Events ?? []) {
    const read = parseEvent(event);
    if (read === "unreadable") unreadable += 1;
    else if (read !== undefined) events.push(read);
  }
  return { index: raw.Index ?? 0, events, unreadable };
}

function parseEvent({ Topic, Type, Payload }: RawEvent): NomadEvent | "unreadable" | undefined {
  const type = String(Type);
  switch (Topic) {
    case "Job": {
      const { success, data } = jobSchema.safeParse(Payload?.["Job"]);
      return success ? { topic: "job", type, job: data } : "unreadable";
    }
    case "Allocation": {
      const { success, data } = allocationSchema.safeParse(Payload?.["Allocation"]);
      return success ? { topic: "allocation", type, allocation: data } : "unreadable";
    }
    case "Evaluation": {
      const { success, data } = evaluationSchema.safeParse(Payload?.["Evaluation"]);
      return success ? { topic: "evaluation", type, evaluation: data } : "unreadable";
    }
    case "Node": {
      const { success, data } = nodeSchema.safeParse(Payload?.["Node"]);
      return success ? { topic: "node", type, node: data } : "unreadable";
    }
    default:
      return undefined;
  }
}

/** Splits what comes into whole lines; a character may be cut between two parts. */
export async function* linesOf(parts: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of parts) {
    const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines.filter((line) => line !== "");
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
