import { createConnection, createServer, type Server, type Socket } from "node:net";

/** Agones' clients know a port for each wire; ours answers both on one. What comes to the second goes to the first. */
export class SecondPort {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  /** @throws {Error} where it is taken */
  static async open(port: number, first: number): Promise<SecondPort> {
    const second = new SecondPort(first);
    await new Promise<void>((resolve, reject) => {
      second.#server.once("error", reject).listen(port, "127.0.0.1", resolve);
    });
    return second;
  }

  private constructor(first: number) {
    this.#server = createServer((socket) => {
      const onward = createConnection(first, "127.0.0.1");
      for (const [one, other] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        this.#sockets.add(one);
        one.on("error", () => other.destroy());
        one.once("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }
}
