import { readFileSync } from "node:fs";
import { z } from "zod";
import { HttpJson, HttpUnreachable } from "../../clients/http-json";
import type { ShiftWish } from "../core/shift-plan";

/** What Agones' allocator answers, as far as it is read; `allocation.proto` of Agones by way of its REST gateway. */
const answerSchema = z.object({
  gameServerName: z.string().min(1),
  address: z.string().min(1),
  ports: z.array(z.object({ name: z.string().default("default"), port: z.number().int() })).default([]),
});

const ALLOCATE_MS = 10_000;

export interface AgonesMatch {
  readonly id: string;
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
}

/**
 * The old cluster's allocator service. A call is made once: it allocates a server each time it is made, so one whose answer
 * was lost is not made again.
 */
export class AgonesAllocator {
  /** The last is in use; those before still wait for answers to calls of before a certificate was renewed. */
  private readonly clients: { readonly pems: Pems; readonly http: HttpJson }[] = [];

  /** @throws {Error} that names the file, where one of its certificates cannot be read */
  constructor(private readonly agones: ShiftWish["agones"]) {
    this.connect();
  }

  /** @throws {HttpStatusError | HttpUnreachable} where it gives none */
  async allocate(
    matchId: string,
    more: {
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    },
  ): Promise<AgonesMatch> {
    const { namespace, fleet } = this.agones;
    const { http } = this.clients.at(-1) ?? this.connect();
    const body = {
      namespace,
      gameServerSelectors: [{ matchLabels: { "agones.dev/fleet": fleet } }],
      metadata: { labels: more.labels ?? {}, annotations: { ...more.annotations, "forge/match-id": matchId } },
    };
    let answer: unknown;
    try {
      answer = await http.json("POST", "/gameserverallocation", { timeoutMs: ALLOCATE_MS, body });
    } catch (error) {
      if (error instanceof HttpUnreachable && this.agones.tls !== undefined) this.readAgain();
      throw error;
    }
    const { gameServerName, address, ports } = answerSchema.parse(answer);
    return { id: gameServerName, address, ports: Object.fromEntries(ports.map(({ name, port }) => [name, port])) };
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map(({ http }) => http.close()));
  }

  /** A certificate may have been renewed; files that are being written are read the next time. */
  private readAgain(): void {
    try {
      const pems = pemsOf(this.agones);
      if (JSON.stringify(pems) !== JSON.stringify(this.clients.at(-1)?.pems)) this.connect(pems);
    } catch {
      return;
    }
  }

  private connect(pems = pemsOf(this.agones)) {
    const { ca, cert, key } = pems;
    const certificate = cert === undefined || key === undefined ? undefined : { cert, key };
    const http = new HttpJson({ address: this.agones.url, name: "Agones' allocator", ca, certificate });
    const client = { pems, http };
    this.clients.push(client);
    return client;
  }
}

interface Pems {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

function pemsOf({ tls = {} }: ShiftWish["agones"]): Pems {
  const read = (file: string | undefined): string | undefined => (file === undefined ? undefined : pem(file));
  return { ca: read(tls.caFile), cert: read(tls.certFile), key: read(tls.keyFile) };
}

function pem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? ""}`, { cause: error });
  }
}
