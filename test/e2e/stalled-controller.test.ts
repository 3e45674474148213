import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { bundle } from "../../bench/bundle";
import { EventEar, type HeardEvent } from "../../bench/event-ear";
import { EXPERIENCE } from "../../bench/fixed-fleet";
import { VirtualRegion } from "../../bench/virtual-region";
import type { Entry } from "../../bench/virtual-sdk";

const SERVERS = 200;
const PLAYERS = 400;
const NODES = 4;
/** More than an agent's 3 s; and by then the agents have dialled a second time. */
const STALL_MS = 7000;
const WITHIN_MS = 60_000;

jest.setTimeout(180_000);
// That agents hear nothing is what is tried here.
process.env["BENCH_LOG"] = "error";

/** A controller that is stopped under many servers goes on where it was: no agent hangs up and sends all it knows anew. */
describe("a controller that was stopped for seconds", () => {
  const folder = mkdtempSync(join(tmpdir(), "forge-stall-"));
  const heard: HeardEvent[] = [];
  let region: VirtualRegion;
  let ear: EventEar;
  let players: Entry[];

  beforeAll(async () => {
    const scripts = await bundle(folder, { region: "bench/region-program.ts" });
    region = await VirtualRegion.start({
      folder: join(folder, "region"),
      program: scripts.region,
      servers: SERVERS,
      seats: 4,
      nodes: NODES,
      apart: true,
    });
    await region.untilReady(SERVERS, WITHIN_MS);
    players = await Promise.all(Array.from({ length: PLAYERS }, (_, i) => seat(`player-${i}`)));
    await onAgents("join", players);
    ear = await EventEar.open(url(), region.token);
    void ear.next((event) => {
      heard.push(event);
      return false;
    });
  });
  afterAll(async () => {
    ear?.close();
    await region?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const url = (): string => `http://127.0.0.1:${region.port}`;

  async function onAgents(what: "join" | "leave", entries: readonly Entry[]): Promise<void> {
    await Promise.all(region.agents.map((agent) => agent.ask(what, entries)));
  }

  async function seat(playerId: string): Promise<Entry> {
    const answer = await fetch(`${url()}/v1/sessions`, {
      method: "POST",
      headers: { authorization: `Bearer ${region.token}`, "content-type": "application/json" },
      body: JSON.stringify({ playerId, experienceId: EXPERIENCE }),
    });
    expect(answer.status).toBe(200);
    const { server, ticket } = (await answer.json()) as { server: { id: string }; ticket: string };
    return { serverId: server.id, playerId, ticket };
  }

  async function untilHeld(count: number): Promise<void> {
    const deadlineMs = performance.now() + WITHIN_MS;
    let held = NaN;
    while (performance.now() < deadlineMs) {
      held = (await region.fleet()).seats.held;
      if (held === count) return;
      await pause(50);
    }
    throw new Error(`${held} seats are held, not ${count}`);
  }

  test("loses no agent, hears what happened meanwhile, and gives seats at once", async () => {
    await untilHeld(PLAYERS);
    // Its own stream: who was read of a moment ago may have been told of a moment later.
    let left = 0;
    const allLeft = ear.next(({ type }) => type === "session.left" && (left += 1) === PLAYERS / 2);
    const { controller } = region;
    process.kill(controller.pid, "SIGSTOP");
    try {
      await onAgents("leave", players.slice(0, PLAYERS / 2));
      await pause(STALL_MS);
    } finally {
      process.kill(controller.pid, "SIGCONT");
    }
    const late = await seat("late");
    await onAgents("join", [late]);
    await untilHeld(PLAYERS / 2 + 1);
    await allLeft;
    expect(heard.filter(({ type }) => /^(node|server)\./.test(String(type)))).toEqual([]);
    expect(heard.filter(({ type }) => type === "session.left")).toHaveLength(PLAYERS / 2);
  });
});
