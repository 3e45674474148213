import { connect } from "node:net";
import type { Look } from "./health-judge";
import type { Probe } from "./probe-loop";

/** Succeeds when the server accepts a connection, which is hung up at once. */
export class TcpProbe implements Probe {
  constructor(private readonly port: number) {}

  async look(host: string, signal: AbortSignal): Promise<Look> {
    const { port } = this;
    const socket = connect({ host, port });
    const hangUp = (): void => void socket.destroy();
    signal.addEventListener("abort", hangUp, { once: true });
    if (signal.aborted) hangUp();
    try {
      return await new Promise<Look>((resolve) => {
        socket.once("connect", () => resolve({ ok: true }));
        socket.once("error", (error) => resolve({ ok: false, reason: `tcp ${host}:${port}: ${error.message}` }));
        socket.once("close", () => resolve({ ok: false, reason: `tcp ${host}:${port}: ${reasonOf(signal)}` }));
      });
    } finally {
      signal.removeEventListener("abort", hangUp);
      socket.destroy();
    }
  }

  async close(): Promise<void> {
    // Nothing is kept between looks.
  }
}

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : "closed";
}
