import type { CommandValue, CoreProblem, CoreProblemCode, Decision } from "./decision";
import type { GameServer } from "./game-server";
import type { PlayerSession } from "./player-session";
import type { ForgeEvent } from "./resources";
import type { RolloutStepName } from "./rollout";

type Detail = Readonly<Record<string, unknown>>;
type ServerEvent = Extract<ForgeEvent["type"], `server.${string}`>;
type SessionEvent = Extract<ForgeEvent["type"], `session.${string}`>;
type RegionEvent = Extract<
  ForgeEvent["type"],
  `node.${string}` | `leader.${string}` | `config.${string}` | `region.${string}`
>;

/** Gathers what one input leads to. Events come from the leader alone, or followers of the region would hear them twice. */
export class Outbox {
  nowMs = 0;
  leading = false;
  private decisions: Decision[] = [];
  /** Starts and stops that wait until this controller surely leads alone; null while it does. */
  private heldBack: Decision[] | null = null;
  private isoMs = NaN;
  private isoText = "";
  private isoSecond = NaN;
  private isoHead = "";

  constructor(private readonly region: string) {}

  push(decision: Decision): void {
    if (this.heldBack && (decision.type === "start" || decision.type === "stop")) this.heldBack.push(decision);
    else this.decisions.push(decision);
  }

  /** From now on starts and stops wait. */
  holdBack(): void {
    this.heldBack ??= [];
  }

  /** What waited is decided now, or never: whoever leads next finds out itself what is to be started and stopped. */
  letGo(carryOut: boolean): void {
    if (carryOut && this.heldBack) this.decisions.push(...this.heldBack);
    this.heldBack = null;
  }

  take(): readonly Decision[] {
    const taken = this.decisions;
    this.decisions = [];
    return taken;
  }

  reply(requestId: number, value: CommandValue): void {
    this.decisions.push({ type: "reply", requestId, result: { ok: true, value } });
  }

  refuse(requestId: number, problem: CoreProblem): void {
    this.decisions.push({ type: "reply", requestId, result: { ok: false, problem } });
  }

  server(type: ServerEvent, server: GameServer, reason: string, detail?: Detail): void {
    if (!this.leading) return;
    this.event({
      ...this.head(reason),
      type,
      serverId: server.id,
      experienceId: server.experienceId,
      ...(detail ? { detail } : {}),
    });
  }

  session(type: SessionEvent, session: PlayerSession, reason: string, detail?: Detail): void {
    if (!this.leading) return;
    session.announced = true;
    const { region, at } = this.head(reason);
    const { id: sessionId, playerId, experienceId } = session;
    const serverId = session.server?.id ?? null;
    // Written out: this is made for every seat, and a spread costs more than all the rest.
    this.event(
      detail
        ? { region, at, reason, type, sessionId, playerId, experienceId, serverId, detail }
        : { region, at, reason, type, sessionId, playerId, experienceId, serverId },
    );
  }

  failover(
    step: "detect" | "isolate" | "migrate" | "terminate" | "replace",
    server: GameServer,
    reason: string,
    detail: Detail,
  ): void {
    if (!this.leading) return;
    const { id: serverId, experienceId } = server;
    this.event({ ...this.head(reason), type: "failover", step, serverId, experienceId, detail });
  }

  scaling(experienceId: string, action: "up" | "down", from: number, to: number, reason: string, detail: Detail): void {
    if (!this.leading) return;
    this.event({ ...this.head(reason), type: "scaling", experienceId, action, from, to, detail });
  }

  rollout(
    experienceId: string,
    step: RolloutStepName,
    fromVersion: string,
    toVersion: string,
    reason: string,
    detail: Detail,
  ): void {
    if (!this.leading) return;
    this.event({ ...this.head(reason), type: "rollout", experienceId, step, fromVersion, toVersion, detail });
  }

  happened(type: RegionEvent, reason: string, detail?: Detail): void {
    if (!this.leading) return;
    this.event({ ...this.head(reason), type, ...(detail ? { detail } : {}) });
  }

  /**
   * ISO 8601. Many things happen in one millisecond and more in one second, so the last ones are remembered.
   * @param ms of which a fraction does not count, as in a Date; not before 1970
   */
  iso(ms: number): string {
    if (ms === this.isoMs) return this.isoText;
    this.isoMs = ms;
    const second = Math.floor(ms / 1000);
    if (second !== this.isoSecond) {
      this.isoSecond = second;
      this.isoHead = new Date(second * 1000).toISOString().slice(0, -4);
    }
    this.isoText = `${this.isoHead}${String(Math.floor(ms) % 1000).padStart(3, "0")}Z`;
    return this.isoText;
  }

  private head(reason: string): { region: string; at: string; reason: string } {
    return { region: this.region, at: this.iso(this.nowMs), reason };
  }

  private event(event: ForgeEvent): void {
    this.decisions.push({ type: "event", event });
  }
}

export function problem(
  code: CoreProblemCode,
  detail: string,
  more: { readonly retryAfterSecs?: number; readonly info?: Detail } = {},
): CoreProblem {
  return { code, detail, ...more };
}
