import { GateDouble } from "../../testing/gate-double";
import { ManualTiming } from "../../testing/manual-timing";
import { GameServer, type ConnectOptions } from "./game-server";

const HOUR = 3_600_000;

/** Pauses between attempts are over at once; what is hours away does not come. */
class Unhurried extends ManualTiming {
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < HOUR / 20) return super.sleep(ms, signal);
    await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error)));
  }
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

async function gateDouble(): Promise<GateDouble> {
  const gate = await GateDouble.start();
  open.push(gate);
  return gate;
}

async function connect(gate: GateDouble, options: ConnectOptions = {}): Promise<GameServer> {
  const timing = new Unhurried(Date.now());
  const forge = await GameServer.connect({ env: gate.env(), heartbeatMs: false, timing, ...options });
  open.push(forge);
  return forge;
}

describe("a save at once", () => {
  const saves = (gate: GateDouble) => gate.callsTo("/v1/snapshot");
  const away = ({ path }: { path: string }) => (path === "/v1/snapshot" ? { status: 503 } : undefined);

  /** A server whose saver has been asked once, and is asked again by `saveNow` alone. */
  async function saving(gate: GateDouble, options: ConnectOptions = {}): Promise<GameServer> {
    const forge = await connect(gate, options);
    await forge.playerJoined(gate.ticket("ann"));
    forge.saveEvery({ server: () => "s", player: (id) => id }, HOUR);
    await gate.until(() => saves(gate).length === 1);
    return forge;
  }

  it("is tried as long as other calls, one of every few seconds for a second", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    gate.intercept = away;
    const failed = new Promise((resolve) => forge.on("problem", resolve));
    forge.saveEvery({ server: () => "s" }, HOUR);
    await expect(failed).resolves.toMatchObject({ status: 503 });
    const first = saves(gate).length;
    expect(first).toBeLessThan(6);
    gate.intercept = (call) => (saves(gate).length < first + 12 ? away(call) : undefined);
    await expect(forge.saveNow()).resolves.toBe(true);
    expect(gate.saved.server).toBe("s");
  });

  it.each<[string, { status: number; body?: unknown; drop?: boolean }, object]>([
    ["is refused", { status: 413, body: { code: "bodyTooLarge" } }, { code: "bodyTooLarge" }],
    ["finds the agent away", { status: 503 }, { status: 503 }],
    ["gets no answer", { status: 0, drop: true }, { code: "unreachable" }],
  ])("that %s is told as a problem and rejects nothing", async (_what, answer, problem) => {
    const gate = await gateDouble();
    const forge = await saving(gate, { retryForMs: 2_000 });
    const told: Error[] = [];
    forge.on("problem", (error) => told.push(error));
    gate.intercept = ({ path }) => (path === "/v1/snapshot" ? answer : undefined);
    await expect(forge.saveNow()).resolves.toBe(false);
    expect(told).toEqual([expect.objectContaining(problem)]);
  });

  it("that is lost is a warning of the process where nobody listens", async () => {
    const gate = await gateDouble();
    const forge = await saving(gate, { retryForMs: 0 });
    const warn = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    try {
      gate.intercept = away;
      await expect(forge.saveNow()).resolves.toBe(false);
      expect(warn).toHaveBeenCalledWith(expect.stringContaining("POST /v1/snapshot: 503"), "ForgeApiError");
    } finally {
      warn.mockRestore();
    }
  });

  it("saves the others when one of its calls is refused", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    const ids = Array.from({ length: 200 }, (_, i) => `player-${i}`);
    for (const id of ids) await forge.playerJoined(gate.ticket(id));
    forge.saveEvery({ player: () => "x".repeat(4_000) }, HOUR);
    await gate.until(() => gate.saved.players.size === 200);
    gate.saved.players.clear();
    const before = saves(gate).length;
    gate.intercept = ({ path }) =>
      path === "/v1/snapshot" && saves(gate).length === before + 1 ? { status: 400 } : undefined;
    const problem = new Promise((resolve) => forge.on("problem", resolve));
    await expect(forge.saveNow()).resolves.toBe(false);
    await expect(problem).resolves.toMatchObject({ status: 400 });
    expect(gate.saved.players.has("player-199")).toBe(true);
    expect(gate.saved.players.has("player-0")).toBe(false);
  });

  it("says no where a saver threw, and keeps what the others gave", async () => {
    const gate = await gateDouble();
    const forge = await connect(gate);
    for (const id of ["ann", "ben"]) await forge.playerJoined(gate.ticket(id));
    const told: Error[] = [];
    forge.on("problem", (error) => told.push(error));
    const player = (id: string): string => {
      if (id === "ann") throw new Error("no such entity");
      return id;
    };
    forge.saveEvery({ player }, HOUR);
    await expect(forge.saveNow()).resolves.toBe(false);
    expect([...gate.saved.players.keys()]).toEqual(["ben"]);
    expect(told).toContainEqual(expect.objectContaining({ code: "saverFailed" }));
  });
});
