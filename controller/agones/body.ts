import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { GrpcError } from "./grpc-status";

/** Of a request on either version of HTTP. @throws {GrpcError} where it is longer than allowed, or breaks off */
export async function readBody(request: IncomingMessage | Http2ServerRequest, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limitBytes) chunks.push(chunk);
      else {
        request.pause();
        reject(new GrpcError("RESOURCE_EXHAUSTED", `the message is larger than ${String(limitBytes)} bytes`));
      }
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    const broken = (): void => reject(new GrpcError("INVALID_ARGUMENT", "the message broke off"));
    request.once("aborted", broken);
    request.once("error", broken);
  });
}
