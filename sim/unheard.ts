import type { CommandResult } from "../controller/core/decision";
import type { UnheardNode } from "../controller/core/unheard-nodes";
import type { ControllerDeps } from "../controller/controller-deps";
import type { ControllerHost } from "./controller-host";
import type { Network } from "./network";
import type { Process } from "./process";

const AGAIN_MS = 500;

type Unheard = NonNullable<ControllerDeps["unheard"]>;

/** A MODEL of `controller/unheard-nodes.ts`: a controller that starts asks its leader who sits on nodes that cannot be heard. */
export class VirtualUnheard implements Unheard {
  private closed = false;
  private cancel: () => void = () => undefined;

  /** @param leaderAt the controller that is reached at a URL */
  constructor(
    private readonly leaderAt: (url: string) => ControllerHost | undefined,
    private readonly network: Network,
    private readonly process: Process,
  ) {}

  start(...[status, onTold]: Parameters<Unheard["start"]>): void {
    const { leader, leaderUrl } = status();
    if (leader || this.closed) return;
    const again = (): void => {
      this.cancel();
      this.cancel = this.process.after(AGAIN_MS, () => this.start(status, onTold));
    };
    again();
    if (leaderUrl !== undefined)
      this.ask(this.leaderAt(leaderUrl), (nodes) => {
        this.cancel();
        if (!this.closed && !status().leader) onTold(nodes);
        this.closed = true;
      });
  }

  close(): void {
    this.closed = true;
    this.cancel();
  }

  private ask(leader: ControllerHost | undefined, onTold: (nodes: readonly UnheardNode[]) => void): void {
    const { network, process } = this;
    const reader = leader?.process;
    if (!leader || !reader?.alive) return;
    const letter = { phase: "ask" as const, text: "unheard", routine: true };
    const answer = (result: CommandResult): void => {
      if (!result.ok || !reader.alive) return;
      const nodes = JSON.parse(JSON.stringify(result.value)) as UnheardNode[];
      const deliver = (): void => onTold(nodes);
      network.post({ ...letter, from: leader.host, to: process.host, reader: process, deliver });
    };
    const deliver = (): void => void leader.command({ type: "tellUnheard" }).then(answer);
    network.post({ ...letter, from: process.host, to: leader.host, reader, deliver });
  }
}
