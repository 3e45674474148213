import type { ChildProgram } from "./child-program";
import { EXPERIENCE, REGION } from "./fixed-fleet";
import type { LoadResult } from "./load-program";
import type { VirtualRegion } from "./virtual-region";
import type { Entry } from "./virtual-sdk";

const MAX_SECONDS = 20;
const CONNECTIONS = 32;

/** Who plays, oldest first, and the programs that make them. */
export class Players {
  private readonly entries: Entry[] = [];
  private came = 0;
  /** Who came with a ticket and was not let in. */
  late = 0;

  constructor(
    private readonly region: VirtualRegion,
    private readonly generator: ChildProgram,
  ) {}

  get count(): number {
    return this.entries.length;
  }

  /** @param rate a second; as fast as answers come where not given */
  async come(count: number, rate?: number): Promise<LoadResult> {
    const { port, token } = this.region;
    const result = await this.generator.ask<LoadResult>("load", {
      port,
      tokens: [token],
      players: `${(this.came += 1)}-`,
      count,
      path: "/v1/sessions",
      body: JSON.stringify({ playerId: "PLAYER", experienceId: EXPERIENCE, latencies: { [REGION]: 24.5 } }),
      connections: CONNECTIONS,
      maxSeconds: MAX_SECONDS,
      keep: true,
      ...(rate === undefined ? {} : { rate }),
    });
    const seated = result.answers.flatMap(({ status, body, playerId }) => {
      if (status !== 200) return [];
      const { server, ticket } = JSON.parse(body) as { server: { id: string }; ticket: string };
      return [{ serverId: server.id, ticket, playerId }];
    });
    const admitted = await Promise.all(this.region.agents.map((agent) => agent.ask<number>("join", seated)));
    // On a machine that has no time for it a lease may end before its ticket is shown.
    this.late += seated.length - admitted.reduce((sum, each) => sum + each, 0);
    this.entries.push(...seated);
    return result;
  }

  async go(count: number): Promise<void> {
    const leaving = this.entries.splice(0, count);
    await Promise.all(this.region.agents.map((agent) => agent.ask("leave", leaving)));
  }
}
