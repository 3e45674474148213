import type { ProgramPlaces } from "../programs";

/** What work on this machine's hosts needs of the outside. */
export interface LocalHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly places: ProgramPlaces;
  /** Folder of Forge's own built programs. */
  readonly dist: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly randomBytes: (size: number) => Buffer;
  /** A line for whoever watches; never a secret. */
  readonly note: (line: string) => void;
}
