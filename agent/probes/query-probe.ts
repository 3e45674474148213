import type { GameDig, QueryResult } from "gamedig";
import type { Clock } from "../../protocol/clock";
import type { Look } from "./health-judge";
import { pingLuanti } from "./luanti-ping";
import type { Probe } from "./probe-loop";
import { queryTypeOf, type QueryLibrary, type QueryType } from "./query-protocol";

/** The query library, some 100 modules, loaded when the first server needs it. */
export type LoadQueries = () => Promise<QueryLibrary & { readonly GameDig: typeof GameDig }>;

export const loadQueries: LoadQueries = async () => {
  const { GameDig, games, protocols } = await import("gamedig");
  return { GameDig, games, protocols };
};

export interface QueryCheck {
  /** As in forge.toml, see `queryTypeOf`. */
  readonly protocol: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/**
 * Asks a game server in its own query protocol; an answer is health, and tells who is on. Bots are not counted: they
 * leave when a player needs their place. Luanti's answer tells nobody; count its players from its log.
 */
export class QueryProbe implements Probe {
  #type: Promise<QueryType> | undefined;

  constructor(
    private readonly check: QueryCheck,
    private readonly load: LoadQueries,
    private readonly clock: Clock,
  ) {}

  async look(host: string, signal: AbortSignal): Promise<Look> {
    const type = await (this.#type ??= this.load().then((library) => queryTypeOf(this.check.protocol, library)));
    if (type.direct === "luanti") {
      await pingLuanti(host, this.check.port, signal, (ms, run) => this.clock.after(ms, run));
      return { ok: true };
    }
    return { ok: true, findings: [playersOf(await this.#query(type.type, host, signal))] };
  }

  async close(): Promise<void> {
    // The library's one UDP socket is shared by all queries of this process and keeps nothing alive.
  }

  async #query(type: string, host: string, signal: AbortSignal): Promise<QueryResult> {
    const { port, timeoutMs } = this.check;
    const { GameDig } = await this.load();
    signal.throwIfAborted();
    const options = {
      givenPortOnly: true,
      portCache: false,
      maxRetries: 1,
      socketTimeout: timeoutMs,
      attemptTimeout: timeoutMs,
    };
    try {
      // With `address` beside `host` no name is looked up.
      return await GameDig.query({ type, host, address: host, port, ...options });
    } catch (error) {
      throw new Error(`${type} query to ${host}:${port}: ${firstCause(error)}`, { cause: error });
    }
  }
}

/** Some protocols tell a number only, or fewer names than players. */
export function playersOf({ players, bots, numplayers }: Pick<QueryResult, "players" | "bots" | "numplayers">) {
  const names = players.map(({ name }) => name ?? "").filter((name) => name !== "");
  const told = Number(numplayers) || 0;
  const count = Math.max(players.length, told - bots.length);
  return { kind: "players", count, names } as const;
}

/** The library's message says how many attempts failed; why is only in its stack. */
function firstCause(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const cause = /^Attempt #\d+[^\n]*\n(?:\w*Error: )?([^\n]+)/m.exec(stack)?.[1];
  return cause ?? (error instanceof Error ? error.message : String(error));
}
