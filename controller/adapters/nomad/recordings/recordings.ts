import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The last real Nomad that was recorded. `test/cluster/nomad-recordings.test.ts` makes it, and says when it is out of date. */
export const RECORDING_FILE = join(__dirname, "nomad-2.0.5.json");

/** What a real Nomad said, cut down to the keys that Forge reads. */
export interface Recording {
  /** Events of the stream, in order, by what happened to the server. */
  readonly servers: Readonly<Record<string, readonly RecordedEvent[]>>;
  /** Answers to a dispatch: the first with a token, and a repeated one. */
  readonly dispatch: { readonly first: unknown; readonly repeated: unknown };
  /** A list's entries. */
  readonly lists: {
    readonly job: unknown;
    readonly allocation: unknown;
    readonly node: unknown;
    readonly nodeAway: unknown;
  };
  readonly refusals: Readonly<Record<string, { readonly status: number; readonly text: string }>>;
}

export interface RecordedEvent {
  readonly Topic: string;
  readonly Type: string;
  readonly Index: number;
  readonly Payload: Readonly<Record<string, unknown>>;
}

export function readRecording(): Recording {
  return JSON.parse(readFileSync(RECORDING_FILE, "utf8")) as Recording;
}
