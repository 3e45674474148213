import pino from "pino";
import { VirtualClock } from "../protocol/virtual-clock";
import { AgentLinks } from "./agent-links";
import type { Actor } from "./api/backend";
import { Controller } from "./controller";
import type { ControlledCore } from "./controller-deps";
import type { Decision } from "./core/decision";
import type { CoreSettings, Input } from "./core/input";
import { DecisionLog } from "./decision-log";
import { EngineError, type Engine, type EngineEvent, type ServerLaunch } from "./engine";
import { EventLog } from "./event-log";
import { RegionPeers } from "./region-peers";

const ACTOR: Actor = { sub: "tests", role: "operator", regions: ["*"] };
const LAUNCH = { serverId: "srv-us-east-1" } as ServerLaunch;

/** A double of the core: answers each input with what the test says, and remembers the inputs. */
class ScriptedCore implements ControlledCore {
  readonly inputs: Input[] = [];
  constructor(private readonly answer: (input: Input) => readonly Decision[]) {}
  handle(input: Input): readonly Decision[] {
    this.inputs.push(input);
    return this.answer(input);
  }
  numbers() {
    return { experiences: [], nodes: { connected: 0, isolated: 0, suspect: 0, down: 0 } };
  }
  readonly places = true;

  summary() {
    return { region: "us-east", state: "up" as const, location: null, experiences: {} };
  }
}

/** A double of an engine that starts nothing and refuses what it is told to. */
class ScriptedEngine implements Engine {
  readonly kind = "embedded";
  readonly avoidsNodes = true;
  listener: (event: EngineEvent) => void = () => undefined;
  readonly calls: string[] = [];
  refusal: Error | undefined;
  lists = 0;
  start({ serverId }: ServerLaunch): Promise<void> {
    this.calls.push(`start ${serverId}`);
    return this.refusal ? Promise.reject(this.refusal) : Promise.resolve();
  }
  stop(serverId: string): Promise<void> {
    this.calls.push(`stop ${serverId}`);
    return Promise.resolve();
  }
  list() {
    this.lists += 1;
    return Promise.resolve([]);
  }
  forget(serverId: string): Promise<void> {
    this.calls.push(`forget ${serverId}`);
    return Promise.resolve();
  }
  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.listener = listener;
    return () => undefined;
  }
  tasks(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  logs(): AsyncIterable<string> {
    return (async function* () {})();
  }
  close(): Promise<void> {
    this.calls.push("close");
    return Promise.resolve();
  }
}

async function stage(
  answer: (input: Input) => readonly Decision[],
  more: Partial<ConstructorParameters<typeof Controller>[0]> = {},
) {
  const clock = new VirtualClock();
  const log = pino({ level: "silent" });
  const core = new ScriptedCore(answer);
  const engine = new ScriptedEngine();
  const events = new EventLog({ epoch: 1 });
  const stepDowns: number[] = [];
  const controller = new Controller({
    region: "us-east",
    controllerId: "c-0",
    core,
    engine,
    links: new AgentLinks({ region: "us-east", controllerId: "c-0", clock, log, silentAfterMs: 3000 }),
    peers: new RegionPeers({ region: "us-east", regions: [], token: () => "", placeToken: () => "", clock, log }),
    events,
    decisions: new DecisionLog(),
    clock,
    log,
    settings: {} as CoreSettings,
    ...more,
  });
  await controller.start((seen) => stepDowns.push(seen));
  return { clock, core, engine, events, controller, stepDowns };
}

describe("Controller", () => {
  it("gives a command to the core and its caller the one reply", async () => {
    const { controller } = await stage((input) =>
      input.type === "command" ? [{ type: "reply", requestId: input.requestId, result: { ok: true, value: [] } }] : [],
    );
    await expect(controller.command({ type: "listFleets" }, ACTOR)).resolves.toEqual({ ok: true, value: [] });
    await controller.close();
  });

  it.each([
    [new EngineError("programMissing", "no such program"), "programMissing", true],
    [new EngineError("noCapacity", "every port is taken"), "noCapacity", false],
    [new EngineError("engineUnavailable", "root is away"), "engineUnavailable", false],
    [new Error("anything else"), "startFailed", true],
  ])("tells the core when the engine refuses a start: %s", async (refusal, code, final) => {
    const { controller, core, engine } = await stage((input) =>
      input.type === "leadership" ? [{ type: "start", launch: LAUNCH, reason: "minimum" }] : [],
    );
    engine.refusal = refusal;
    controller.setLeadership(true, 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(core.inputs.find(({ type }) => type === "engine")).toMatchObject({
      type: "engine",
      event: { type: "blocked", serverId: "srv-us-east-1", code, final, reason: refusal.message },
    });
    await controller.close();
  });

  it("asks the engine what runs each time it begins to lead: as a standby it was told of nothing that was only ordered", async () => {
    const { controller, core, engine } = await stage(() => []);
    const before = engine.lists;
    controller.setLeadership(true, 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(engine.lists).toBe(before + 1);
    expect(core.inputs.slice(-2).map(({ type }) => type)).toEqual(["leadership", "engineList"]);
    controller.setLeadership(false, 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(engine.lists).toBe(before + 1);
    await controller.close();
  });

  it("tells who asked for it, after the core, that another leads, and where", async () => {
    const { controller, core } = await stage(() => []);
    const told: unknown[] = [];
    const end = controller.onLeader(() => {
      const { leader, leaderUrl } = controller.status();
      told.push([core.inputs.at(-1)?.type, leader, leaderUrl]);
    });
    controller.setLeadership(false, 1, { leaderUrl: "http://10.0.0.2:7700" });
    controller.setLeadership(true, 2);
    end();
    controller.setLeadership(false, 2);
    expect(told).toEqual([
      ["leadership", false, "http://10.0.0.2:7700"],
      ["leadership", true, undefined],
    ]);
    await controller.close();
  });

  it("takes one input at a time, in the order they came", async () => {
    const order: string[] = [];
    const staged = await stage((input) => {
      order.push(input.type);
      // A listener of an event that asks for something at once must not get in between.
      return input.type === "leadership"
        ? [
            { type: "event", event: { type: "leader.changed", region: "us-east", at: "", reason: "" } },
            { type: "stepDown", seenEpoch: 9 },
          ]
        : [];
    });
    const { controller } = staged;
    staged.events.subscribe(() => controller.setSettings({} as CoreSettings));
    order.length = 0;
    controller.setLeadership(true, 2);
    expect(order).toEqual(["leadership", "policy"]);
    expect(staged.stepDowns).toEqual([9]);
    expect(controller.status().leader).toBe(false);
    await controller.close();
  });

  it("ticks on its own, and earlier where the core asks to be woken", async () => {
    const { clock, controller, core } = await stage((input) =>
      input.type === "policy" ? [{ type: "wake", atMs: input.nowMs + 100 }] : [],
    );
    const ticks = (): number => core.inputs.filter(({ type }) => type === "tick").length;
    const before = ticks();
    clock.advance(500);
    expect(ticks()).toBe(before + 1);
    controller.setSettings({} as CoreSettings);
    clock.advance(100);
    expect(ticks()).toBe(before + 2);
    await controller.close();
  });

  it("asks the engine for its whole list when events may have been missed", async () => {
    const { controller, engine, core } = await stage(() => []);
    expect(engine.lists).toBe(1);
    engine.listener({ type: "resync" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(engine.lists).toBe(2);
    expect(core.inputs.at(-1)?.type).toBe("engineList");
    await controller.close();
  });

  it("answers who still waits when it closes, and refuses who comes after", async () => {
    const { controller, engine } = await stage(() => []);
    const waiting = controller.command({ type: "listFleets" }, ACTOR);
    await controller.close();
    await expect(waiting).resolves.toMatchObject({ ok: false, problem: { code: "unavailable" } });
    await expect(controller.command({ type: "listFleets" }, ACTOR)).resolves.toMatchObject({
      ok: false,
      problem: { code: "unavailable" },
    });
    expect(engine.calls).toContain("close");
  });

  it("is ready only while it leads with an agent", async () => {
    const { controller } = await stage(() => []);
    expect(controller.status()).toMatchObject({ leader: false, ready: false, detail: "not leading" });
    controller.setLeadership(true, 4);
    expect(controller.status()).toEqual({ leader: true, epoch: 4, ready: false, detail: "no agent has connected yet" });
    await controller.close();
  });

  it("says at once what has changed: agents that come and go, an epoch, its own end", async () => {
    let agents = 0;
    const links = { connected: () => agents, start: () => undefined, close: () => undefined } as unknown as AgentLinks;
    const { controller } = await stage(() => [], { links });
    controller.setLeadership(true, 4);
    expect(controller.status().ready).toBe(false);
    agents = 2;
    const ready = { leader: true, epoch: 4, ready: true, detail: "leading with epoch 4, 2 agent(s)" };
    expect(controller.status()).toEqual(ready);
    expect(controller.status()).toEqual(ready);
    controller.setLeadership(true, 5);
    expect(controller.status()).toMatchObject({ epoch: 5, ready: true });
    agents = 0;
    expect(controller.status()).toMatchObject({ epoch: 5, ready: false });
    agents = 2;
    expect(controller.status().ready).toBe(true);
    await controller.close();
    expect(controller.status().ready).toBe(false);
  });

  it("sends everybody here where the run has no other region", async () => {
    const { controller } = await stage(() => []);
    const ask = {
      experienceId: "arena",
      version: undefined,
      mods: [],
      region: undefined,
      latencies: { "eu-west": 5 },
      partySize: 1,
    };
    expect(controller.chooseRegion(ask).region).toBe("us-east");
    await controller.close();
  });
});
