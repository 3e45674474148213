import { z } from "zod";
import { HttpJson } from "../../clients/http-json";
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
  private readonly http: HttpJson;

  constructor(private readonly agones: ShiftWish["agones"]) {
    this.http = new HttpJson({ address: agones.url, name: "Agones' allocator" });
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
    const answer = await this.http.json("POST", "/gameserverallocation", {
      timeoutMs: ALLOCATE_MS,
      body: {
        namespace,
        gameServerSelectors: [{ matchLabels: { "agones.dev/fleet": fleet } }],
        metadata: { labels: more.labels ?? {}, annotations: { ...more.annotations, "forge/match-id": matchId } },
      },
    });
    const { gameServerName, address, ports } = answerSchema.parse(answer);
    return { id: gameServerName, address, ports: Object.fromEntries(ports.map(({ name, port }) => [name, port])) };
  }

  close(): Promise<void> {
    return this.http.close();
  }
}
