import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { decodeMessage, encodeMessage } from "../../agent/gate/agones/codec";
import { AGONES_METHODS } from "../../agent/gate/agones/messages";
import type { SdkUnderComparison } from "./sdk-under-comparison";

/** One call on one wire, and what came of it, as text that two servers' answers can be compared by. */
export interface Wire {
  readonly name: "gRPC" | "REST";
  call(step: Call): Promise<string>;
  /** The state that the server shows now. */
  gameServer(): Promise<GameServerView>;
  /** Calls back with each state that a watcher is sent, until the result is called. */
  watch(listener: (server: GameServerView) => void): () => void;
  close(): void;
}

export interface Call {
  /** `sdk.SDK/Ready`, within `agones.dev.` */
  readonly rpc: string;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Verb and path; undefined where the wire has no such call. */
  readonly rest: readonly [verb: string, path: string, body?: unknown];
}

export interface GameServerView {
  readonly object_meta: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly status: { readonly state: string } & Readonly<Record<string, unknown>>;
}

const GET: Call = { rpc: "sdk.SDK/GetGameServer", rest: ["GET", "/gameserver"] };

export function grpcWire({ grpcPort }: SdkUnderComparison): Wire {
  const Client = makeGenericClientConstructor({}, "agones");
  const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
  const unary = ({ rpc, body = {} }: Call): Promise<{ code: number; details: string } | Record<string, unknown>> => {
    const method = AGONES_METHODS.find(({ path }) => path === `/agones.dev.${rpc}`);
    if (!method) throw new Error(`no method ${rpc}`);
    return new Promise((resolve) => {
      client.makeUnaryRequest(
        method.path,
        (message: Record<string, unknown>) => encodeMessage(method.request, message),
        (bytes) => decodeMessage(method.response, bytes) as Record<string, unknown>,
        body as Record<string, unknown>,
        (error, answer) => resolve(error ? { code: error.code, details: error.details } : (answer ?? {})),
      );
    });
  };
  return {
    name: "gRPC",
    call: async (step) => {
      const answer = await unary(step);
      return "details" in answer ? `code ${String(answer["code"])}: ${String(answer["details"])}` : text(answer);
    },
    gameServer: async () => (await unary(GET)) as unknown as GameServerView,
    watch(listener) {
      const { path, response } = AGONES_METHODS.find((method) => method.streams === "response") ?? never();
      const as = (bytes: Buffer): GameServerView => decodeMessage(response, bytes) as unknown as GameServerView;
      const stream = client.makeServerStreamRequest(path, () => Buffer.alloc(0), as, {});
      stream.on("data", listener).on("error", () => undefined);
      return () => stream.cancel();
    },
    close: () => client.close(),
  };
}

export function restWire({ httpPort }: SdkUnderComparison): Wire {
  const send = async ({ rest: [method, path, body = method === "GET" ? undefined : {}] }: Call) => {
    const sent = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
    const answer = await fetch(`http://127.0.0.1:${httpPort}${path}`, { method, ...sent });
    return { status: answer.status, text: await answer.text() };
  };
  return {
    name: "REST",
    call: async (step) => {
      const { status, text: body } = await send(step);
      if (status === 200) return text(JSON.parse(body));
      const { code, message } = (body === "" ? {} : parsed(body)) as { code?: number; message?: string };
      return code === undefined ? `status ${status}: ${body.trim()}` : `status ${status}, code ${code}: ${message}`;
    },
    gameServer: async () => JSON.parse((await send(GET)).text) as GameServerView,
    watch(listener) {
      const ending = new AbortController();
      const url = `http://127.0.0.1:${httpPort}/watch/gameserver`;
      void fetch(url, { signal: ending.signal })
        .then(async ({ body }) => {
          let kept = "";
          for await (const chunk of (body ?? never()).pipeThrough(new TextDecoderStream())) {
            const lines = (kept + chunk).split("\n");
            kept = lines.pop() ?? "";
            for (const line of lines) listener((JSON.parse(line) as { result: GameServerView }).result);
          }
        })
        .catch(() => undefined);
      return () => ending.abort();
    },
    close: () => undefined,
  };
}

function never(): never {
  throw new Error("there is one");
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}

/** Keys in order, so that equal answers are equal text. */
function text(answer: unknown): string {
  return JSON.stringify(sorted(answer));
}

function sorted(of: unknown): unknown {
  if (Array.isArray(of)) return of.map(sorted);
  if (typeof of !== "object" || of === null) return of;
  return Object.fromEntries(
    Object.entries(of)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, value]) => [key, sorted(value)]),
  );
}
