import type { Logger } from "pino";
import { trustingAgent } from "../clients/authority";
import { type Agent, request } from "../clients/undici.cjs";
import type { Clock } from "../protocol/clock";
import type { BackendStatus } from "./api/backend";
import { FORWARDED } from "./api/forwarder";
import { unheardNodesSchema, unheardOf } from "./api/schemas/unheard";
import type { UnheardNode } from "./core/unheard-nodes";

export interface UnheardNodesDeps {
  readonly region: string;
  /** An operator's: saved states of players are nobody else's to read. */
  readonly token: () => string;
  /** What the leader's authority is sealed with. */
  readonly shared: () => readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

const AGAIN_MS = 500;
const TIMEOUT_MS = 5000;

/**
 * A controller that starts hears of seats from agents. Of nodes whose agents cannot be heard it asks its region's leader, until that
 * has answered once, or it leads itself. Nomad replaces the next controller only when this one has run for five seconds.
 */
export class UnheardNodes {
  private readonly connections: Agent;
  private cancel: () => void = () => undefined;
  private closed = false;
  private troubled = false;

  constructor(private readonly deps: UnheardNodesDeps) {
    this.connections = trustingAgent({ shared: deps.shared });
  }

  start(
    status: () => Pick<BackendStatus, "leader" | "leaderUrl">,
    onTold: (nodes: readonly UnheardNode[]) => void,
  ): void {
    const ask = async (): Promise<void> => {
      const { leader, leaderUrl } = status();
      const told = leader || leaderUrl === undefined ? undefined : await this.ask(leaderUrl);
      if (this.closed || leader) return;
      if (told) onTold(told);
      else this.cancel = this.deps.clock.after(AGAIN_MS, () => void ask());
    };
    void ask();
  }

  close(): void {
    this.closed = true;
    this.cancel();
    void this.connections.destroy();
  }

  private async ask(leaderUrl: string): Promise<UnheardNode[] | undefined> {
    const { region, token, log } = this.deps;
    try {
      const { statusCode, body } = await request(`${leaderUrl}/v1/regions/${region}/unheard`, {
        dispatcher: this.connections,
        headers: { authorization: `Bearer ${token()}`, [FORWARDED]: "1" },
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      });
      const json = await body.json();
      // A leader of an earlier version tells nobody.
      if (statusCode === 404) return [];
      if (statusCode !== 200) throw new Error(`status ${String(statusCode)}`);
      const nodes = unheardOf(unheardNodesSchema.parse(json).items);
      log.info({ nodes: nodes.map(({ nodeId }) => nodeId) }, "the leader has told of nodes that it does not hear");
      return nodes;
    } catch (error) {
      if (!this.closed && !this.troubled)
        log.warn({ err: error }, "the leader does not say which nodes it does not hear; asking on");
      this.troubled = true;
      return undefined;
    }
  }
}
