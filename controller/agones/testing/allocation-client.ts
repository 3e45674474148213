import { connect, constants, type ClientHttp2Session, type SecureClientSessionOptions } from "node:http2";
import { fromJson, toJson } from "protobufjs/ext/protojson";
import { requestType, responseType } from "../allocation-wire";

/** What a gRPC call came to. `message` is its status' where that is not 0. */
export interface GrpcOutcome {
  readonly status: number;
  readonly message: string;
  readonly answer: Record<string, unknown> | undefined;
}

const PREFIX_BYTES = 5;

/** FOR TESTS AND BENCHMARKS: a gRPC client of the allocation service over one connection, written from the protocol. */
export class AllocationClient {
  private constructor(private readonly session: ClientHttp2Session) {}

  static async connect(url: string, options: SecureClientSessionOptions = {}): Promise<AllocationClient> {
    const session = connect(url, options);
    await new Promise<void>((resolve, reject) => {
      session.once("error", reject);
      session.once("close", () => reject(new Error("the server ended the connection")));
      session.once("remoteSettings", () => resolve());
    });
    session.on("error", () => undefined);
    return new AllocationClient(session);
  }

  allocate(request: object, headers: Record<string, string> = {}): Promise<GrpcOutcome> {
    return this.send("/allocation.AllocationService/Allocate", framed(encoded(request)), headers);
  }

  /** Any bytes to any method. */
  send(path: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<GrpcOutcome> {
    return new Promise((resolve, reject) => {
      const stream = this.session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      const chunks: Buffer[] = [];
      let status: Record<string, unknown> = {};
      const take = (given: Record<string, unknown>): void => void (status = { ...status, ...given });
      stream.on("response", (given, flags) => {
        // As Go's client: a status among the headers counts only where they end the stream.
        const ends = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
        take(ends ? given : { ...given, "grpc-status": "-1" });
      });
      stream.on("trailers", take);
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.once("error", reject);
      stream.once("close", () => resolve(outcome(status, Buffer.concat(chunks))));
      stream.end(body);
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.session.close(resolve));
  }
}

export function encoded(request: object): Uint8Array {
  return requestType.encode(fromJson(requestType, request)).finish();
}

/** A message with its prefix. */
export function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function outcome(headers: Record<string, unknown>, body: Buffer): GrpcOutcome {
  const status = Number(headers["grpc-status"] ?? -1);
  const message = decodeURIComponent(String((headers["grpc-message"] as string | undefined) ?? ""));
  const whole = body.length >= PREFIX_BYTES ? body.subarray(PREFIX_BYTES) : undefined;
  const answer = whole && (toJson(responseType, responseType.decode(whole)) as Record<string, unknown>);
  return { status, message, answer };
}
