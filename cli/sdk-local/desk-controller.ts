import type { Channel } from "../../protocol/channel";
import type { Ack, AgentEvent, FromAgent, FromController, RequestBody } from "../../protocol/messages";

/** The leader of a desk: it asks what it is told to ask, and decides nothing by itself. */
export class DeskController {
  readonly #waiting = new Map<number, (ack: Ack) => void>();
  #lastId = 0;
  readonly #greeted: Promise<void>;
  #greet: () => void = () => undefined;

  constructor(
    private readonly channel: Channel<FromController, FromAgent>,
    private readonly region: string,
    private readonly onEvent: (event: AgentEvent) => void,
  ) {
    this.#greeted = new Promise((resolve) => (this.#greet = resolve));
    channel.onMessage((message) => this.#hear(message));
    channel.onClose((reason) => {
      for (const [id, done] of this.#waiting)
        done({ type: "ack", id, ok: false, epoch: 1, code: "journal", detail: reason });
      this.#waiting.clear();
    });
  }

  async ask(body: RequestBody): Promise<Ack> {
    await this.#greeted;
    const id = (this.#lastId += 1);
    const answered = new Promise<Ack>((resolve) => this.#waiting.set(id, resolve));
    this.channel.send({ type: "request", id, epoch: 1, body });
    return answered;
  }

  #hear(message: FromAgent): void {
    switch (message.type) {
      case "hello":
        this.channel.send({
          type: "welcome",
          protocol: message.protocol.newest,
          controllerId: "desk",
          region: this.region,
          leader: true,
          epoch: 1,
        });
        return;
      case "ping":
        return void this.channel.send(message);
      case "ack":
        this.#waiting.get(message.id)?.(message);
        this.#waiting.delete(message.id);
        return;
      case "report":
        return message.events.forEach(this.onEvent);
      case "snapshot":
        return this.#greet();
    }
  }
}
