import { Core } from "../controller/core/core";
import type { Decision } from "../controller/core/decision";
import type { Input } from "../controller/core/input";
import { AgentDouble } from "../controller/core/testing/agent-double";
import { EngineDouble } from "../controller/core/testing/engine-double";
import { testExperience, testSettings } from "../controller/core/testing/settings-double";

/**
 * What the core itself costs for a player: createSession, the agent's ack, the reply, and the end of the session, with
 * 10, 1,000 and 10,000 servers, half of their seats taken. The agents are doubles and their time is not counted.
 *
 *     npx tsx bench/routing-cost.ts
 */

const SEATS = 16;
const PLAYERS = 20_000;
/** So many are on their way at once, as with many clients. */
const AT_ONCE = 32;

/** Plain `Omit` over the union would lose its cases. */
type Untimed<T> = T extends unknown ? Omit<T, "nowMs"> : never;

class Bench {
  private readonly core: Core;
  private readonly engine = new EngineDouble("here", ["n1"]);
  private readonly agent = new AgentDouble("n1", "here");
  private readonly sent: Extract<Decision, { type: "send" }>[] = [];
  readonly placed: string[] = [];
  coreMs = 0;
  private nextId = 0;
  private requestId = 0;

  constructor(servers: number, strategy: "pack" | "spread") {
    const scaling = { minServers: servers, maxServers: servers, scaleDownCooldownSecs: 1e6 };
    const arena = testExperience("arena", { maxPlayers: SEATS, scaling, routing: { strategy, queueLimit: PLAYERS } });
    const settings = testSettings([arena], { scaling: { ...testSettings([]).scaling, maxServersPerRegion: servers } });
    this.core = new Core({ settings, controllerId: "c", ids: (kind) => `${kind}-${String(this.nextId++)}` });
    this.give({ type: "agent", nodeId: "n1", message: this.agent.hello() });
    this.give({ type: "agent", nodeId: "n1", message: this.agent.snapshot() });
    this.give({ type: "leadership", leader: true, epoch: 1 });
    this.give({ type: "engineList", servers: [] });
    this.settle();
  }

  fill(players: number, name: string): void {
    for (let i = 0; i < players; i += AT_ONCE) {
      for (let j = i; j < Math.min(players, i + AT_ONCE); j++) {
        const command = { type: "createSession", playerId: `${name}${String(j)}`, experienceId: "arena" } as const;
        this.give({ type: "command", requestId: this.requestId++, command });
      }
      this.settle();
    }
  }

  end(sessionIds: readonly string[]): void {
    for (const sessionId of sessionIds) {
      this.give({
        type: "command",
        requestId: this.requestId++,
        command: { type: "endSession", sessionId, reason: "done" },
      });
      this.settle();
    }
  }

  /** Lets agent and engine answer until nothing is on its way. */
  private settle(): void {
    for (;;) {
      const requests = this.sent.splice(0);
      const events = this.engine.events.splice(0);
      if (requests.length + events.length === 0) return;
      for (const event of events) this.give({ type: "engine", event });
      for (const { id, body } of requests) {
        const ack = this.agent.request({ type: "request", id, epoch: 1, body }, 0);
        if (body.kind === "expect") this.agent.becomeReady(body.server.serverId, 0);
        const told = this.agent.events.splice(0);
        if (told.length > 0) this.give({ type: "agent", nodeId: "n1", message: { type: "report", events: told } });
        this.give({ type: "agent", nodeId: "n1", message: ack });
      }
    }
  }

  private give(input: Untimed<Input>): void {
    const start = process.hrtime.bigint();
    const decisions = this.core.handle({ ...input, nowMs: 1000 });
    this.coreMs += Number(process.hrtime.bigint() - start) / 1e6;
    for (const decision of decisions) {
      if (decision.type === "send") this.sent.push(decision);
      else if (decision.type === "start") this.engine.start(decision.launch);
      else if (decision.type === "reply" && decision.result.ok && "ticket" in decision.result.value) {
        const { session } = decision.result.value;
        this.placed.push(session.id);
      }
    }
  }
}

console.log(
  `${"servers".padStart(8)} ${"strategy".padEnd(8)} ${"µs a seat".padStart(10)} ${"seats/s".padStart(9)} ${"µs an end".padStart(10)}`,
);
for (const strategy of ["pack", "spread"] as const) {
  for (const servers of [10, 1000, 10_000]) {
    const bench = new Bench(servers, strategy);
    bench.fill(Math.min((servers * SEATS) / 2, PLAYERS), "first");
    let seats = 0;
    let seatMs = 0;
    let endMs = 0;
    for (let round = 0; seats < PLAYERS; round++) {
      bench.placed.length = 0;
      bench.coreMs = 0;
      bench.fill(Math.min((servers * SEATS) / 2, 4000), `round${String(round)}-`);
      seats += bench.placed.length;
      seatMs += bench.coreMs;
      bench.coreMs = 0;
      bench.end([...bench.placed]);
      endMs += bench.coreMs;
    }
    const each = (ms: number): string => ((ms / seats) * 1000).toFixed(1).padStart(10);
    const rate = Math.round((seats / seatMs) * 1000);
    console.log(
      `${String(servers).padStart(8)} ${strategy.padEnd(8)} ${each(seatMs)} ${String(rate).padStart(9)} ${each(endMs)}`,
    );
  }
}
