import type { IncomingHttpHeaders } from "node:http";
import { Http2ServerResponse, type Http2ServerRequest } from "node:http2";
import type { Logger } from "pino";
import type { Clock } from "../../protocol/clock";
import type { Actor } from "../api/backend";
import { ALL_REGIONS, type Tokens } from "../tokens";
import { allocateRead, parseSpec, type AllocatorDeps } from "./allocate";
import { decodeRequest, encodeResponse, requestOfJson, type PlainRequest } from "./allocation-wire";
import { readCertificates, type CertificateFiles, type Certificates } from "./certificates";
import { answerGrpc, isGrpc } from "./grpc-call";
import { GrpcError, toGrpcError } from "./grpc-status";
import { Intake, type IntakeLimits } from "./intake";
import { openSharedPort, type AnyRequest, type AnyResponse, type SharedPort } from "./shared-port";
import { RequestCache, type ReadRequest } from "./request-cache";
import { specOfWire } from "./wire-spec";

export interface AllocatorOptions {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly auth:
    | { readonly kind: "mtls"; readonly files: CertificateFiles }
    /** Forge's own tokens: operator or allocator, for this region. */
    | { readonly kind: "token" }
    /** Whoever reaches the port; only good on loopback. */
    | { readonly kind: "none" };
  readonly limits?: Partial<IntakeLimits>;
  /** Of connections, see `openSharedPort`. */
  readonly helloMs?: number;
  readonly firstCallMs?: number;
  readonly idleMs?: number;
}

export interface AllocatorServiceDeps extends AllocatorDeps {
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface AllocatorService {
  readonly port: number;
  /** What is open and under way now. */
  load(): Intake["load"] & { readonly connections: number; readonly underWay: number };
  close(): Promise<void>;
}

const INTAKE: IntakeLimits = {
  bodyBytes: 256 * 1024,
  heldBytes: 64 * 1024 * 1024,
  arriving: 10_000,
  bodyMs: 10_000,
};
/** More calls than this at once are refused: their answers would come too late for anybody. */
const MAX_UNDER_WAY = 2000;
/** How often the certificates' files are looked at, in milliseconds; Agones' allocator looks each second. */
const LOOK_MS = 1000;

/**
 * Agones' allocation service: gRPC `allocation.AllocationService/Allocate` and `POST /gameserverallocation` on one port.
 * @throws {Error} where the port is taken or the certificates are none
 */
export async function startAllocatorService(
  options: AllocatorOptions,
  deps: AllocatorServiceDeps,
): Promise<AllocatorService> {
  const files = options.auth.kind === "mtls" ? options.auth.files : undefined;
  const certificates = files && readCertificates(files);
  const calls = new Calls(options, deps);
  const port = await openSharedPort({ ...options, certificates }, (request, response) =>
    calls.answer(request, response),
  );
  const endFollow = files && certificates ? followCertificates(files, certificates, port, deps) : undefined;
  return {
    port: port.port,
    load: () => ({ ...calls.load, connections: port.connections }),
    close: async () => {
      endFollow?.();
      await port.close();
    },
  };
}

class Calls {
  /** Whose message has come whole: one that is still sending takes nobody's place. */
  private underWay = 0;
  private readonly messages = new RequestCache();
  private readonly bodies = new RequestCache();
  private readonly auth: AllocatorOptions["auth"]["kind"];
  private readonly intake: Intake;

  constructor(
    { auth, limits }: AllocatorOptions,
    private readonly deps: AllocatorServiceDeps,
  ) {
    this.auth = auth.kind;
    this.intake = new Intake({ ...INTAKE, ...limits }, deps.clock);
  }

  get load() {
    return { ...this.intake.load, underWay: this.underWay };
  }

  answer(request: AnyRequest, response: AnyResponse): void {
    const answering =
      response instanceof Http2ServerResponse && isGrpc(request)
        ? answerGrpc(request as Http2ServerRequest, response, this.grpc, this.intake)
        : this.rest(request, response);
    answering.catch((error: unknown) => this.deps.log.error({ err: error }, "an allocation call failed"));
  }

  private readonly grpc = {
    "/allocation.AllocationService/Allocate": (headers: IncomingHttpHeaders) => {
      const actor = this.actorOf(headers);
      return async (message: Buffer) => {
        const allocation = () => this.messages.get(message, (bytes) => readRequest(() => decodeRequest(bytes)));
        return encodeResponse(await this.allocate(allocation, actor));
      };
    },
  };

  private async rest(request: AnyRequest, response: AnyResponse): Promise<void> {
    try {
      const [path] = (request.url ?? "").split("?");
      if (path !== "/gameserverallocation") throw new GrpcError("NOT_FOUND", "Not Found");
      if (request.method !== "POST") throw new GrpcError("UNIMPLEMENTED", "Method Not Allowed");
      const actor = this.actorOf(request.headers);
      const body = await this.intake.read(request, response);
      const read = () => this.bodies.get(body, (bytes) => readRequest(() => requestOfJson(parseJson(bytes))));
      respond(response, 200, await this.allocate(read, actor));
    } catch (error) {
      const { number, httpStatus, message } = this.failure(error);
      respond(response, httpStatus, { code: number, message, details: [] });
      if (!request.complete) request.destroy();
    }
  }

  /** @throws {GrpcError} */
  private async allocate(read: () => ReadRequest, actor: Actor): ReturnType<typeof allocateRead> {
    if (this.underWay >= MAX_UNDER_WAY)
      throw new GrpcError("UNAVAILABLE", `${String(MAX_UNDER_WAY)} allocations are under way; try again`);
    this.underWay += 1;
    try {
      return await allocateRead(this.deps, read(), actor);
    } catch (error) {
      throw this.failure(error);
    } finally {
      this.underWay -= 1;
    }
  }

  /** @throws {GrpcError} where the caller may not */
  private actorOf({ authorization }: IncomingHttpHeaders): Actor {
    if (this.auth !== "token")
      return { sub: this.auth === "mtls" ? "client certificate" : "anyone", role: "allocator", regions: [ALL_REGIONS] };
    return tokenActor(authorization, this.deps);
  }

  private failure(error: unknown): GrpcError {
    if (!(error instanceof GrpcError)) this.deps.log.error({ err: error }, "an allocation failed");
    return toGrpcError(error);
  }
}

/** @throws {GrpcError} where it is none, or asks for what there is not */
function readRequest(read: () => PlainRequest): ReadRequest {
  let asked: ReturnType<typeof specOfWire>;
  try {
    asked = specOfWire(read());
  } catch (error) {
    const detail = error instanceof Error ? error.message.slice(0, 200) : "";
    throw new GrpcError("INVALID_ARGUMENT", `the request is no AllocationRequest: ${detail}`);
  }
  return { ...asked, ask: parseSpec(asked.spec) };
}

function tokenActor(authorization: string | undefined, { tokens, backend }: AllocatorServiceDeps): Actor {
  const [, token] = /^bearer (\S+)$/i.exec(authorization ?? "") ?? [];
  if (token === undefined) throw new GrpcError("UNAUTHENTICATED", "the call needs authorization: Bearer TOKEN");
  const checked = tokens.verify(token);
  if (!checked.ok) throw new GrpcError("UNAUTHENTICATED", `the token is not good: ${checked.problem}`);
  const { actor } = checked;
  if (actor.role !== "operator" && actor.role !== "allocator")
    throw new GrpcError("PERMISSION_DENIED", `role ${actor.role} does not allocate`);
  if (!actor.regions.includes(ALL_REGIONS) && !actor.regions.includes(backend.region))
    throw new GrpcError("PERMISSION_DENIED", `the token is for ${actor.regions.join(", ")}, not ${backend.region}`);
  return actor;
}

function parseJson(body: Buffer): unknown {
  return JSON.parse(body.toString("utf8")) as unknown;
}

function respond(response: AnyResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(body);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  // One signature for both versions: the types of the two only differ in what they leave out.
  (response as Http2ServerResponse).writeHead(status, headers);
  response.end(text);
}

/** A change that is no good leaves in force what was before. */
function followCertificates(
  files: CertificateFiles,
  first: Certificates,
  port: SharedPort,
  { clock, log }: AllocatorServiceDeps,
): () => void {
  let inForce = JSON.stringify(first);
  let complaint = "";
  let cancel: () => void = () => undefined;
  const look = (): void => {
    try {
      const now = readCertificates(files);
      const text = JSON.stringify(now);
      complaint = "";
      if (text !== inForce) {
        port.replaceCertificates(now);
        inForce = text;
        log.info("the allocation service took new certificates");
      }
    } catch (error) {
      const { message } = error as Error;
      if (message !== complaint) log.error({ err: error }, "certificates cannot be used; those before stay");
      complaint = message;
    }
    cancel = clock.after(LOOK_MS, look);
  };
  cancel = clock.after(LOOK_MS, look);
  return () => cancel();
}
