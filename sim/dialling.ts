import type { Channel } from "../protocol/channel";
import type { FromAgent, FromController } from "../protocol/messages";
import type { DialledLine } from "../protocol/socket-dialler";
import type { ControllerHost } from "./controller-host";
import type { Network } from "./network";
import type { Process } from "./process";
import type { Random } from "./random";

type AgentEnd = Channel<FromAgent, FromController>;
type ControllerEnd = Channel<FromController, FromAgent>;

export interface DiallingSurroundings {
  readonly network: Network;
  readonly random: Random;
  readonly host: string;
  /** Of the agent that dials. */
  readonly process: Process;
  readonly controller: ControllerHost;
  /** The two ends of a stream to the controller's process as it is now. */
  readonly connect: (controller: Process) => readonly [AgentEnd, ControllerEnd];
  readonly attach: (agentEnd: AgentEnd, line: DialledLine) => void;
}

const DIAL_MS = 300;
const DIAL_AGAIN_MS = 700;

/**
 * A MODEL of `protocol/socket-dialler.ts`: dials a controller, and again whenever the stream ends. Beside one that is silent
 * it dials another, which takes its place once it is answered; where the way is cut, the silent one is closed.
 */
export class VirtualDialling {
  private stream: AgentEnd | undefined;
  /** Numbers what is tried: an earlier try that comes true late is none. */
  private turn = 0;
  private trying = false;

  constructor(private readonly around: DiallingSurroundings) {}

  dial(): void {
    const { network, process, host, controller } = this.around;
    const turn = ++this.turn;
    this.trying = true;
    const giveUp = process.after(DIAL_AGAIN_MS, () => {
      if (turn === this.turn) this.unanswered();
    });
    network.post({
      from: host,
      to: controller.host,
      phase: "greeting",
      text: `dial ${process.name}`,
      reader: controller.process,
      deliver: () => {
        if (turn !== this.turn || !process.alive || !controller.process?.alive) return;
        // The way back is part of the handshake.
        if (network.isCut(controller.host, host)) return;
        giveUp();
        this.connected(controller.process);
      },
    });
  }

  private connected(controller: Process): void {
    const { connect, attach } = this.around;
    const [agentEnd, controllerEnd] = connect(controller);
    const silent = this.stream;
    this.trying = false;
    this.stream = agentEnd;
    silent?.close("another connection has taken its place");
    this.around.controller.accept(controllerEnd);
    agentEnd.onClose(() => {
      if (this.stream !== agentEnd) return;
      this.stream = undefined;
      if (!this.trying) this.again();
    });
    attach(agentEnd, {
      silent: () => {
        if (this.stream === agentEnd && !this.trying) this.dial();
      },
      heard: () => {
        if (this.stream !== agentEnd) return;
        this.turn++;
        this.trying = false;
      },
    });
  }

  private unanswered(): void {
    const { network, host, controller } = this.around;
    const cut = network.isCut(host, controller.host) || network.isCut(controller.host, host);
    if (cut) this.stream?.close("nothing is heard, and the way is cut");
    this.again();
  }

  private again(): void {
    const { process, random } = this.around;
    const turn = ++this.turn;
    this.trying = true;
    process.after(random.between(DIAL_MS, DIAL_AGAIN_MS), () => {
      if (turn === this.turn) this.dial();
    });
  }
}
