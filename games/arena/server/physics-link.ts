import { connect, type Socket } from "node:net";
import { readLines, writeLine } from "../lines";
import { readStepAnswer, type StepAnswer, type StepRequest } from "../physics/simulation";

const MAX_LINE = 64 * 1024;
const RETRY_MS = 50;

/** The connection to the physics beside this server. It is made once: physics that went away took the match with it. */
export class PhysicsLink {
  private onAnswer: (answer: StepAnswer) => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    readLines(socket, MAX_LINE, (value) => {
      const answer = readStepAnswer(value);
      if (answer === undefined) socket.destroy(new Error("an answer that is no step"));
      else this.onAnswer(answer);
    });
  }

  /**
   * Connects, waiting for the physics to start.
   * @throws {Error} where it does not listen within `withinMs`
   */
  static async connect(port: number, withinMs: number, now: () => number = Date.now): Promise<PhysicsLink> {
    const until = now() + withinMs;
    for (;;) {
      try {
        return new PhysicsLink(await dial(port));
      } catch (error) {
        if (now() + RETRY_MS > until) {
          throw new Error(`no physics on 127.0.0.1:${port} within ${withinMs} ms: ${(error as Error).message}`, {
            cause: error,
          });
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  step(request: StepRequest, onAnswer: (answer: StepAnswer) => void): void {
    this.onAnswer = onAnswer;
    writeLine(this.socket, request);
  }

  onClose(listener: (reason: string) => void): void {
    let reason = "it closed the connection";
    this.socket.on("error", (error) => (reason = error.message));
    this.socket.on("close", () => listener(reason));
  }

  close(): void {
    this.socket.removeAllListeners("close");
    this.socket.destroy();
  }
}

function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      // Until `onClose` is set there is a moment in which an error must not end the process unexplained.
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}
