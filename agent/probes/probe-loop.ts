import { isIP } from "node:net";
import type { Clock } from "../../protocol/clock";
import type { ExpectedHealth, ExpectedServer } from "../../protocol/messages";
import type { Finding, KnownHealth, RunningProbes } from "../finding";
import { HealthJudge, ProbeMisconfigured, type Look } from "./health-judge";

/** One way of looking at a server. Throwing is a failed look, its message the reason. */
export interface Probe {
  /** @param signal aborts when the time is up or nobody wants to know any more */
  look(host: string, signal: AbortSignal): Promise<Look>;
  /** Gives back what it holds between looks. */
  close(): Promise<void>;
}

export interface ProbeLoopDeps {
  readonly clock: Clock;
  /** 0 to 1: spreads the probes of servers that start together. */
  readonly random: () => number;
}

/** The most that a server's first look is put off. */
const FIRST_WITHIN_MS = 100;
/** Share of a pause by which it is shortened or lengthened. */
const JITTER = 0.1;

/**
 * Where a server may be listening, as its own node sees it: on all addresses or on loopback, else on the address that
 * players are told. A name is not tried: it would be looked up, and may lead through a balancer to another server.
 */
export function hostsOf({ address }: Pick<ExpectedServer, "address">): readonly string[] {
  return isIP(address) === 0 || address === "127.0.0.1" ? ["127.0.0.1"] : ["127.0.0.1", address];
}

/** Looks at one server again and again, never twice at once, and reports what its judge says. */
export class ProbeLoop implements RunningProbes {
  readonly #judge: HealthJudge;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #hostIndex = 0;
  #found = false;

  constructor(
    private readonly probe: Probe,
    private readonly server: Pick<ExpectedServer, "address"> & { readonly health: ExpectedHealth },
    private readonly deps: ProbeLoopDeps,
    private readonly report: (finding: Finding) => void,
    known?: KnownHealth,
  ) {
    this.#judge = new HealthJudge(server.health, known);
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the probe was stopped"));
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.deps;
    const stopped = this.#stopping.signal;
    await this.#pause(random() * Math.min(FIRST_WITHIN_MS, this.server.health.intervalMs));
    while (!stopped.aborted) {
      const began = clock.now();
      const look = await this.#look();
      if (stopped.aborted) break;
      for (const finding of this.#judge.judge(look)) this.report(finding);
      const pause = this.#judge.pauseMs * (1 - JITTER + random() * 2 * JITTER);
      await this.#pause(Math.max(0, pause - (clock.now() - began)));
    }
    await this.probe.close();
  }

  async #look(): Promise<Look> {
    const { timeoutMs } = this.server.health;
    const hosts = hostsOf(this.server);
    const host = hosts[this.#hostIndex % hosts.length] ?? "127.0.0.1";
    const late = new AbortController();
    const cancel = this.deps.clock.after(timeoutMs, () => late.abort(new Error(`no answer within ${timeoutMs} ms`)));
    const signal = AbortSignal.any([late.signal, this.#stopping.signal]);
    const look = await this.probe.look(host, signal).catch((error: unknown): Look => failed(error, signal));
    cancel();
    if (look.ok) this.#found = true;
    // Where it once answered it is expected to answer; until then each of its addresses is tried in turn.
    else if (!this.#found) this.#hostIndex++;
    return look;
  }

  #pause(ms: number): Promise<void> {
    const stopped = this.#stopping.signal;
    if (stopped.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        stopped.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.deps.clock.after(ms, done);
      stopped.addEventListener("abort", done);
    });
  }
}

function failed(error: unknown, signal: AbortSignal): Look {
  const cause: unknown = signal.aborted ? signal.reason : error;
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return { ok: false, reason, hopeless: cause instanceof ProbeMisconfigured };
}

/**
 * The number of a server's named port.
 * @throws {Error} naming the ports that there are
 */
export function portOf(server: Pick<ExpectedServer, "serverId" | "ports">, name: string): number {
  const port = server.ports[name];
  if (port !== undefined) return port;
  const names = Object.keys(server.ports).join(", ") || "none";
  throw new Error(`health: server ${server.serverId} has no port "${name}"; it has ${names}`);
}
