import { EXIT } from "./exit-code";
import { errorMessage } from "./error-code";
import { CliError } from "./failure";

/**
 * The text of an answer as it comes. Ends with the answer, or when `signal` aborts; leaving the loop early closes the
 * connection.
 * @throws {CliError} where the connection breaks
 */
export async function* textOf(response: Response, signal?: AbortSignal): AsyncGenerator<string> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  // The signal given to fetch does not do it: Node 20 holds it weakly once the answer has begun, and a collected one
  // leaves the stream open for ever.
  const stop = (): void => void reader.cancel().catch(() => undefined);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      yield decoder.decode(chunk.value, { stream: true });
    }
  } catch (error) {
    const fix = "run the command again; `forge ps --regions` shows whether the region answers";
    throw new CliError("brokenStream", EXIT.failed, `the controller's answer broke off: ${errorMessage(error)}`, fix);
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
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
