import type { Clock } from "../../protocol/clock";
import type { AnyRequest, AnyResponse } from "./shared-port";
import { GrpcError } from "./grpc-status";

export interface IntakeLimits {
  /** Of one request, in bytes. */
  readonly bodyBytes: number;
  /** Of all requests that are read or answered, in bytes. */
  readonly heldBytes: number;
  /** Requests whose bodies are on their way. */
  readonly arriving: number;
  /** A whole body has to be there within so long, in milliseconds. */
  readonly bodyMs: number;
}

/** What callers are sending: bounded in number, bytes and time, so that one who sends slowly, or never, holds up nobody. */
export class Intake {
  #arriving = 0;
  #held = 0;

  constructor(
    private readonly limits: IntakeLimits,
    private readonly clock: Clock,
  ) {}

  /** Bodies on their way, and bytes held of them and of those that are being answered. */
  get load(): { readonly arriving: number; readonly heldBytes: number } {
    return { arriving: this.#arriving, heldBytes: this.#held };
  }

  /** The body of a request on either version of HTTP. @throws {GrpcError} where it is too long, too late, or breaks off */
  async read(request: AnyRequest, response: AnyResponse): Promise<Buffer> {
    const { bodyBytes, heldBytes, arriving, bodyMs } = this.limits;
    if (this.#arriving >= arriving)
      throw new GrpcError("UNAVAILABLE", `${String(arriving)} requests are on their way; try again`);
    const chunks: Buffer[] = [];
    let bytes = 0;
    // Until it is answered: what waits for its answer is held too.
    response.once("close", () => void (this.#held -= bytes));
    this.#arriving += 1;
    let inTime = (): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const refuse = (code: "RESOURCE_EXHAUSTED" | "DEADLINE_EXCEEDED", why: string): void => {
          request.pause();
          reject(new GrpcError(code, why));
        };
        const broken = (): void => reject(new GrpcError("INVALID_ARGUMENT", "the message broke off"));
        inTime = this.clock.after(bodyMs, () =>
          refuse("DEADLINE_EXCEEDED", `no whole message came within ${String(bodyMs)} ms`),
        );
        request.on("data", (chunk: Buffer) => {
          if (bytes + chunk.length > bodyBytes)
            return refuse("RESOURCE_EXHAUSTED", `the message is larger than ${String(bodyBytes)} bytes`);
          if (this.#held + chunk.length > heldBytes)
            return refuse("RESOURCE_EXHAUSTED", `${String(heldBytes)} bytes of messages are held; try again`);
          bytes += chunk.length;
          this.#held += chunk.length;
          chunks.push(chunk);
        });
        request.once("end", resolve);
        request.once("aborted", broken);
        request.once("error", broken);
        request.once("close", broken);
      });
    } finally {
      inTime();
      this.#arriving -= 1;
    }
    return Buffer.concat(chunks);
  }
}
