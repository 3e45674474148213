import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { GrpcError, toGrpcError } from "./grpc-status";
import type { Intake } from "./intake";

/** One call with one message each way. Who may not make it is refused by its headers, before its message is read. */
export type UnaryCall = (headers: Http2ServerRequest["headers"]) => (message: Buffer) => Promise<Uint8Array>;

/** Flag and length before each message. */
const PREFIX_BYTES = 5;
const HEALTHY = Buffer.from([0x08, 0x01]);

export function isGrpc({ headers }: Pick<Http2ServerRequest, "headers">): boolean {
  return headers["content-type"]?.startsWith("application/grpc") === true;
}

/**
 * gRPC's part for calls with one message each way, by hand: a server of the library cannot share its port, and even less
 * a connection, with the REST calls that Agones' clients make beside it. Of gRPC's health service `Check` is answered.
 * Source: gRPC over HTTP2, `doc/PROTOCOL-HTTP2.md` of grpc/grpc.
 */
export async function answerGrpc(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  calls: Readonly<Record<string, UnaryCall>>,
  intake: Intake,
): Promise<void> {
  try {
    const call = request.url === "/grpc.health.v1.Health/Check" ? healthCheck : own(calls, request.url);
    if (!call) throw new GrpcError("UNIMPLEMENTED", `unknown method ${request.url.slice(0, 200)}`);
    const answer = call(request.headers);
    succeed(response, await answer(messageOf(await intake.read(request, response))));
  } catch (error) {
    fail(response, toGrpcError(error));
  } finally {
    // What is still to come of a body that was too long is not read.
    if (!request.complete) request.stream.close();
  }
}

const healthCheck: UnaryCall = () => () => Promise.resolve(HEALTHY);

function own(calls: Readonly<Record<string, UnaryCall>>, path: string): UnaryCall | undefined {
  return Object.hasOwn(calls, path) ? calls[path] : undefined;
}

function messageOf(body: Buffer): Buffer {
  if (body.length < PREFIX_BYTES) throw new GrpcError("INTERNAL", "the call carries no message");
  if (body[0] !== 0)
    throw new GrpcError("UNIMPLEMENTED", "the message is compressed; this service takes identity only");
  const length = body.readUInt32BE(1);
  if (body.length !== PREFIX_BYTES + length)
    throw new GrpcError("INTERNAL", "the call carries more or less than one whole message");
  return body.subarray(PREFIX_BYTES);
}

function succeed(response: Http2ServerResponse, message: Uint8Array): void {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  response.writeHead(200, { "content-type": "application/grpc+proto" });
  response.addTrailers({ "grpc-status": "0" });
  response.end(Buffer.concat([prefix, message]));
}

/** Status and headers in one frame, which gRPC calls trailers only. */
function fail(response: Http2ServerResponse, error: GrpcError): void {
  if (response.headersSent || response.stream.destroyed || response.stream.closed) return;
  response.stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc+proto",
      "grpc-status": String(error.number),
      // Through bytes: a cut between the halves of a character is no text.
      "grpc-message": encodeURIComponent(Buffer.from(error.message.slice(0, 1024)).toString()),
      "grpc-accept-encoding": "identity",
    },
    // Go's client takes a status for one only where its frame ends the stream.
    { endStream: true },
  );
}
