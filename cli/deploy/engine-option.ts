import { InvalidArgumentError } from "commander";
import type { EngineName } from "../../config/engine-name";

/** Reads `--engine`. @throws {InvalidArgumentError} which commander tells with the flag's name */
export function engineName(text: string): EngineName {
  if (text === "embedded" || text === "nomad") return text;
  throw new InvalidArgumentError("It must be embedded or nomad.");
}
