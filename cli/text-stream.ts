import { EXIT } from "./exit-code";
import { errorMessage } from "./error-code";
import { CliError } from "./failure";

/**
 * The text of an answer as it comes. Ends with the answer; leaving the loop early closes the connection.
 * @throws {CliError} where the connection breaks
 */
export async function* textOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  try {
    // A stream of the platform's own type, which Node can iterate.
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      yield decoder.decode(chunk, { stream: true });
    }
  } catch (error) {
    const fix = "run the command again; `forge ps --regions` shows whether the region answers";
    throw new CliError("brokenStream", EXIT.failed, `the controller's answer broke off: ${errorMessage(error)}`, fix);
  }
  yield decoder.decode();
}

/** Its lines, without their ends; a last one without an end too. */
export async function* linesOf(response: Response): AsyncGenerator<string> {
  let rest = "";
  for await (const text of textOf(response)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
