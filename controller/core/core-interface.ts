import type { Decision } from "./decision";
import type { Input } from "./input";

/**
 * The pure state machine: the same inputs in the same order give the same decisions, on any machine, at any time.
 * It holds state but reaches for nothing: time comes with each input, ids from the seeded `ids` it was made with.
 */
export interface CoreMachine {
  handle(input: Input): readonly Decision[];
}

/** Makes ids; in production from a cryptographic source, in tests from a seed. */
export type IdSource = (kind: "server" | "session" | "match" | "queue" | "decision" | "token") => string;
