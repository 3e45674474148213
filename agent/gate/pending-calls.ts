import type { Clock } from "../../protocol/clock";
import type { GateCall } from "../../protocol/gate-messages";
import type { GateLimits } from "./limits";
import { gateProblem } from "./problem";

/** What a caller gets: the agent's answer or a problem of the gate's own. */
export interface CallAnswer {
  readonly status: number;
  readonly body: unknown;
}

export type CallRequest = Pick<GateCall, "serverId" | "method" | "path" | "query" | "body"> & {
  /** Size of the body as it came. */
  readonly bytes: number;
  /** How long it waits for its answer, where that is not `answerMs`. */
  readonly waitMs?: number;
};

/** Hands a call to the agent. */
type SendCall = (call: GateCall) => void;

interface Pending {
  readonly call: GateCall;
  readonly bytes: number;
  readonly answer: (answer: CallAnswer) => void;
  readonly cancelTimer: () => void;
  sent: boolean;
}

/**
 * Calls that wait for the agent's answer. While the agent is away they wait for it; the next agent gets them in order,
 * marked `repeated` where the one before may have acted on them already.
 *
 *     begin -> waiting -(agent there)-> sent -(answer)-> answered
 *                 ^                       |
 *                 +----- agent left ------+          either, after answerMs: 503
 */
export class PendingCalls {
  readonly #pending = new Map<number, Pending>();
  readonly #perServer = new Map<string, number>();
  #bytes = 0;
  #lastId = 0;
  #send: SendCall | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly limits: Pick<GateLimits, "heldCalls" | "heldBytes" | "answerMs">,
  ) {}

  get size(): number {
    return this.#pending.size;
  }

  /**
   * Starts a call; `answer` is called once, unless the result of this function was called first (the caller hung up).
   */
  begin(request: CallRequest, answer: (answer: CallAnswer) => void): () => void {
    const { bytes, waitMs = this.limits.answerMs, ...content } = request;
    const inServer = this.#perServer.get(request.serverId) ?? 0;
    if (inServer >= this.limits.heldCalls || this.#bytes + bytes > this.limits.heldBytes) {
      answer(
        refusal("tooManyCalls", `${inServer} calls of this server wait; wait for their answers before sending more`),
      );
      return () => undefined;
    }
    const id = ++this.#lastId;
    const pending: Pending = {
      call: { type: "call", id, ...content },
      bytes,
      answer,
      cancelTimer: this.clock.after(waitMs, () => this.#expire(id, waitMs)),
      sent: false,
    };
    this.#pending.set(id, pending);
    this.#perServer.set(request.serverId, inServer + 1);
    this.#bytes += bytes;
    this.#trySend(pending);
    return () => void this.#take(id);
  }

  /** An agent is there: everything that waits goes to it, oldest first. */
  agentCame(send: SendCall): void {
    this.#send = send;
    for (const pending of [...this.#pending.values()]) this.#trySend(pending);
  }

  agentLeft(): void {
    this.#send = undefined;
  }

  /** The agent's answer; one that nobody waits for any more is dropped. */
  answered(id: number, answer: CallAnswer): void {
    this.#take(id)?.answer(answer);
  }

  /** Refuses what still waits, of one server or of all. */
  refuse(detail: string, serverId?: string): void {
    for (const [id, { call }] of [...this.#pending]) {
      if (serverId === undefined || call.serverId === serverId) this.answered(id, refusal("serverClosed", detail));
    }
  }

  #trySend(pending: Pending): void {
    if (this.#send === undefined) return;
    const call = pending.sent ? { ...pending.call, repeated: true as const } : pending.call;
    pending.sent = true;
    try {
      this.#send(call);
    } catch (error) {
      this.answered(call.id, refusal("malformed", `the call cannot be passed on: ${(error as Error).message}`));
    }
  }

  #expire(id: number, waitMs: number): void {
    const waited = `waited ${waitMs / 1000} s`;
    const away = this.#send === undefined;
    const detail = away
      ? `${waited} for the agent to come back; try again`
      : `${waited} for the agent's answer; try again`;
    this.answered(id, refusal(away ? "agentAway" : "agentSlow", detail));
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    pending.cancelTimer();
    this.#bytes -= pending.bytes;
    const left = (this.#perServer.get(pending.call.serverId) ?? 1) - 1;
    if (left === 0) this.#perServer.delete(pending.call.serverId);
    else this.#perServer.set(pending.call.serverId, left);
    return pending;
  }
}

function refusal(code: Parameters<typeof gateProblem>[0], detail: string): CallAnswer {
  const problem = gateProblem(code, detail);
  return { status: problem.status, body: problem };
}
