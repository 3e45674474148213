import type { z } from "zod";
import { isPlainAck, isPlainGrant } from "./frequent-messages";
import type { FromGate, ToGate } from "./gate-messages";
import { fromGateSchemas, toGateSchemas } from "./gate-schemas";
import { MAX_MESSAGE_BYTES, type FromAgent, type FromController } from "./messages";
import { PROTOCOL_OLDEST, PROTOCOL_VERSION } from "./versions";
import { fromAgentSchemas, fromControllerSchemas } from "./schemas";

/** How one side of a channel writes what it says and reads what it hears: one JSON value a line. */
export interface Codec<Out, In> {
  /** The line with its end. */
  encode(message: Out): string;
  /** @throws {MalformedMessage} naming what is wrong and where in the message */
  decode(line: string): In;
}

/** The other side sent what no version of the protocol has; the connection cannot go on. */
export class MalformedMessage extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = "MalformedMessage";
  }
}

/** For the agent's end of its stream to a controller. */
export const agentCodec: Codec<FromAgent, FromController> = codecOf<FromAgent, FromController>(fromControllerSchemas, {
  request: isPlainGrant,
});
/** For the controller's end of its stream from an agent. */
export const controllerCodec: Codec<FromController, FromAgent> = codecOf<FromController, FromAgent>(fromAgentSchemas, {
  ack: isPlainAck,
});
/** For the gate's end. */
export const gateCodec: Codec<FromGate, ToGate> = codecOf<FromGate, ToGate>(toGateSchemas);
/** For the agent's end of its stream to a gate. */
export const agentGateCodec: Codec<ToGate, FromGate> = codecOf<ToGate, FromGate>(fromGateSchemas);

/**
 * The newest version that both sides speak; undefined where there is none.
 * A `hello` never changes its shape, so that this can always be asked.
 */
export function negotiate(theirs: { readonly oldest: number; readonly newest: number }): number | undefined {
  const version = Math.min(PROTOCOL_VERSION, theirs.newest);
  return version >= Math.max(PROTOCOL_OLDEST, theirs.oldest) ? version : undefined;
}

/**
 * Cuts a byte stream into lines. A line is kept in pieces until its end has come, so a large one costs no copy a packet.
 */
export class LineReader {
  private readonly pieces: Buffer[] = [];
  private bytes = 0;

  constructor(
    private onLine: (line: string) => void,
    private maxBytes: number = MAX_MESSAGE_BYTES,
  ) {}

  /** From the next line on: another reader and another bound, as when a handshake is over. */
  become(onLine: (line: string) => void, maxBytes: number = MAX_MESSAGE_BYTES): void {
    this.onLine = onLine;
    this.maxBytes = maxBytes;
  }

  /** @throws {MalformedMessage} where a line is longer than allowed; also what `onLine` throws */
  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.bound(this.bytes + end - from);
      this.onLine(this.take(chunk, from, end));
      from = end + 1;
    }
    if (from < chunk.length) {
      this.bound(this.bytes + chunk.length - from);
      this.pieces.push(chunk.subarray(from));
      this.bytes += chunk.length - from;
    }
  }

  private take(chunk: Buffer, from: number, end: number): string {
    if (this.pieces.length === 0) return chunk.toString("utf8", from, end);
    const line = Buffer.concat([...this.pieces, chunk.subarray(from, end)]).toString("utf8");
    this.pieces.length = 0;
    this.bytes = 0;
    return line;
  }

  private bound(bytes: number): void {
    if (bytes > this.maxBytes) throw new MalformedMessage(`a message of more than ${this.maxBytes} bytes`);
  }
}

const NEWLINE = 0x0a;

/** @param plain by `type`: whether a message surely is what its schema takes */
function codecOf<Out, In>(
  schemas: Readonly<Record<string, z.ZodType>>,
  plain: Readonly<Record<string, (message: Readonly<Record<string, unknown>>) => boolean>> = {},
): Codec<Out, In> {
  const known = new Map(Object.entries(schemas));
  const frequent = new Map(Object.entries(plain));
  return {
    encode: (message) => `${JSON.stringify(message)}\n`,
    decode: (line) => {
      const value = parse(line);
      const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
      const schema = typeof type === "string" ? known.get(type) : undefined;
      if (!schema) {
        throw new MalformedMessage(
          `a message of type ${JSON.stringify(type) ?? "none"}: expected ${[...known.keys()].join(", ")}`,
        );
      }
      if (frequent.get(String(type))?.(value as Record<string, unknown>)) return value as In;
      const result = schema.safeParse(value);
      if (!result.success) throw new MalformedMessage(`a ${String(type)} whose ${firstProblem(result.error)}`);
      return result.data as In;
    },
  };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join(".") || "shape"} is wrong: ${issue.message}` : "shape is wrong";
}
