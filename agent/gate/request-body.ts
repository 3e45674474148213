import type { IncomingMessage } from "node:http";
import { gateProblem, type Problem } from "./problem";

export type BodyRead =
  | { readonly ok: true; readonly body: unknown; readonly bytes: number }
  | { readonly ok: false; readonly problem: Problem };

/** Deeper than any SDK body; a deeper one could exhaust the stack of whoever serialises it again. */
const MAX_DEPTH = 64;

/**
 * Reads a request's JSON body. No body reads as `{}`. Of one that is too large the rest is read away while the answer
 * is on its way: a sender that is cut off while it writes often never sees why.
 *
 * @param maxBytes larger is refused
 * @returns undefined where the sender hung up
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<BodyRead | undefined> {
  const tooLarge = gateProblem("bodyTooLarge", `a body may have ${maxBytes} bytes; send less`);
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) {
    request.resume();
    return { ok: false, problem: tooLarge };
  }
  const content = await collect(request, maxBytes);
  if (content === "gone") return undefined;
  return content === "tooLarge" ? { ok: false, problem: tooLarge } : parseBody(content);
}

function collect(request: IncomingMessage, maxBytes: number): Promise<Buffer | "tooLarge" | "gone"> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) return void chunks.push(chunk);
      chunks = [];
      resolve("tooLarge");
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("close", () => resolve("gone"));
  });
}

function parseBody(content: Buffer): BodyRead {
  if (content.length === 0) return { ok: true, body: {}, bytes: 0 };
  const malformed = (detail: string): BodyRead => ({
    ok: false,
    problem: gateProblem("malformed", detail),
  });
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return malformed("the body is not UTF-8; send JSON in UTF-8");
  }
  if (text.trim() === "") return { ok: true, body: {}, bytes: content.length };
  if (isDeeperThan(text, MAX_DEPTH)) return malformed(`the body is nested deeper than ${MAX_DEPTH} levels`);
  try {
    return { ok: true, body: JSON.parse(text) as unknown, bytes: content.length };
  } catch (error) {
    return malformed(`the body is not JSON: ${(error as Error).message}`);
  }
}

/** Counts brackets outside strings: cheaper than parsing, and never recursive. */
function isDeeperThan(json: string, levels: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const char = json[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "[" || char === "{") {
      if (++depth > levels) return true;
    } else if (char === "]" || char === "}") depth--;
  }
  return false;
}
