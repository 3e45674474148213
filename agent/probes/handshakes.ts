import { lookup } from "node:dns/promises";
import { request } from "node:http";
import { isIP } from "node:net";
import type { Clock } from "../../protocol/clock";
import type { NackCode, RequestBody } from "../../protocol/messages";
import type { Look } from "./health-judge";
import { loadQueries, QueryProbe, type LoadQueries } from "./query-probe";
import { TcpProbe } from "./tcp-probe";

export type ReachAsk = Pick<Extract<RequestBody, { kind: "reach" }>, "address" | "port" | "how" | "timeoutMs">;

export interface HandshakeFailure {
  readonly code: Extract<NackCode, "unreachable" | "replaying">;
  readonly detail: string;
}

/** So many are under way at once; the others are put off. */
const AT_ONCE = 32;

/** Handshakes with servers of other nodes, over the network as a player of theirs makes them. */
export class Handshakes {
  #open = 0;

  constructor(private readonly deps: { readonly clock: Clock; readonly loadQueries?: LoadQueries }) {}

  /** @returns null where the server was reached */
  async reach(ask: ReachAsk): Promise<HandshakeFailure | null> {
    if (this.#open >= AT_ONCE) return { code: "replaying", detail: `${AT_ONCE} handshakes are under way` };
    this.#open++;
    const late = new AbortController();
    const { timeoutMs } = ask;
    const cancel = this.deps.clock.after(timeoutMs, () => late.abort(new Error(`no answer within ${timeoutMs} ms`)));
    try {
      const look = await this.#look(ask, late.signal);
      return look.ok ? null : { code: "unreachable", detail: look.reason };
    } catch (error) {
      return { code: "unreachable", detail: (error as Error).message };
    } finally {
      cancel();
      this.#open--;
    }
  }

  async #look({ address, port, how, timeoutMs }: ReachAsk, signal: AbortSignal): Promise<Look> {
    switch (how.kind) {
      case "tcp":
        return new TcpProbe(port).look(address, signal);
      case "http":
      case "ws":
        return httpHandshake(address, port, how.kind === "ws", signal);
      case "query": {
        const check = { protocol: how.protocol, port, timeoutMs };
        // The library knows an answer by the address that it comes from.
        const host = isIP(address) === 0 ? (await lookup(address, 4)).address : address;
        return new QueryProbe(check, this.deps.loadQueries ?? loadQueries, this.deps.clock).look(host, signal);
      }
    }
  }
}

const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": Buffer.from("forge is reaching").toString("base64").slice(0, 22) + "==",
};

/** Any answer is a handshake: a stranger may be told to log in, or that there is no such page. */
function httpHandshake(host: string, port: number, upgrade: boolean, signal: AbortSignal): Promise<Look> {
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, path: "/", headers: upgrade ? UPGRADE : {}, agent: false, signal });
    const answered = (): void => {
      resolve({ ok: true });
      asked.destroy();
    };
    asked.once("response", answered);
    asked.once("upgrade", answered);
    asked.on("error", (error) => reject(new Error(`http ${host}:${port}: ${causeOf(error, signal)}`)));
    asked.end();
  });
}

function causeOf(error: Error, { aborted, reason }: AbortSignal): string {
  return aborted && reason instanceof Error ? reason.message : error.message;
}
