import { WebSocket } from "ws";
import { FIRST_NPC, kindOf, NPCS, ORBS } from "../games/arena/rules";
import { ControllerDouble, hasSeat } from "../games/arena/testing/controller-double";
import { type Program, Programs } from "../games/arena/testing/programs";
import { decodeState, type ServerMessage, type State } from "../games/arena/wire";
import { GateDouble, type GateDoubleOptions } from "../sdk/testing/gate-double";

/** The arena's real programs, over real sockets, with doubles of the gate and the controller. */
let programs: Programs;
const doubles: { close(): Promise<void> }[] = [];
const clients: Client[] = [];
beforeAll(async () => {
  programs = await Programs.bundle();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.terminate();
  await programs.stopAll();
  await Promise.all(doubles.splice(0).map((double) => double.close()));
});
afterAll(() => programs.close());

interface Arena {
  readonly gate: GateDouble;
  readonly server: Program;
  readonly physics: Program;
  readonly gamePort: number;
}

/** Every program takes a port that is free and says which: nobody else can take it in between. */
const portIn = (line: string): number => Number(/(\d+)$/.exec(line)?.[1]);

async function startArena(options: GateDoubleOptions = {}): Promise<Arena> {
  const physics = programs.start("physics", { FORGE_PORT_PHYSICS: "0" });
  const physicsPort = portIn(await physics.line(/physics on/));
  const gate = await GateDouble.start({ ...options, ports: { game: 0, physics: physicsPort } });
  doubles.push(gate);
  const server = programs.start("server", gate.env());
  const gamePort = portIn(await server.line(/plays on port/));
  return { gate, server, physics, gamePort };
}

/** A client that collects what it gets. */
class Client {
  readonly messages: ServerMessage[] = [];
  readonly states: State[] = [];
  readonly closed: Promise<number>;
  private waiting: (() => void)[] = [];
  private over = false;

  constructor(readonly socket: WebSocket) {
    socket.on("message", (data: Buffer, isBinary) => {
      if (!isBinary) this.messages.push(JSON.parse(data.toString()) as ServerMessage);
      else this.states.push(decodeState(data) ?? fail("garbage"));
      this.look();
    });
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on("close", (code) => {
        this.over = true;
        this.look();
        resolve(code);
      });
    });
  }

  static async connect(port: number): Promise<Client> {
    const client = new Client(new WebSocket(`ws://127.0.0.1:${port}`));
    clients.push(client);
    await new Promise((resolve, reject) => client.socket.once("open", resolve).once("error", reject));
    return client;
  }

  static async join(port: number, ticket: string): Promise<Client> {
    const client = await Client.connect(port);
    client.send({ type: "join", ticket });
    return client;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  async got<Type extends ServerMessage["type"]>(type: Type): Promise<Extract<ServerMessage, { type: Type }>> {
    await this.until(() => this.messages.some((message) => message.type === type));
    return this.messages.find((message) => message.type === type) as Extract<ServerMessage, { type: Type }>;
  }

  async until(matches: () => boolean): Promise<void> {
    while (!matches()) {
      if (this.over) throw new Error(`the connection ended; it got ${JSON.stringify(this.messages)}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** All entities it was ever told of and not told to be gone. */
  entities(): Set<number> {
    const known = new Set<number>();
    for (const { moved, gone } of this.states) {
      for (const entity of gone) known.delete(entity);
      for (let i = 0; i < moved.length; i += 3) known.add(moved[i] ?? 0);
    }
    return known;
  }

  private look(): void {
    for (const run of this.waiting.splice(0)) run();
  }
}

function fail(message: string): never {
  throw new Error(message);
}

const get = (port: number, path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);

describe("an arena", () => {
  it("admits by ticket, plays at its tick, and saves", async () => {
    const { gate, gamePort } = await startArena();
    const [ann, ben] = await Promise.all(["ann", "ben"].map((id) => Client.join(gamePort, gate.ticket(id))));
    if (!ann || !ben) fail("no clients");
    const welcome = await ann.got("welcome");
    expect(welcome).toEqual({
      type: "welcome",
      playerId: "ann",
      you: expect.any(Number),
      tickHz: 20,
      score: 0,
      inputs: 0,
      restoredAgeMs: null,
    });

    ann.send({ type: "input", seq: 1, dx: 1, dy: 0.5 });
    ann.send({ type: "ping", n: 7 });
    await expect(ann.got("pong")).resolves.toEqual({ type: "pong", n: 7 });
    const { you } = welcome;
    await ben.until(() => ben.states.filter(({ full, moved }) => !full && moved.includes(you)).length >= 3);
    const [first, ...deltas] = ben.states;
    expect(first?.full).toBe(true);
    expect([...ben.entities()].filter((entity) => kindOf(entity) === "orb")).toHaveLength(ORBS);
    deltas.forEach((delta, i) => expect(delta).toMatchObject({ full: false, tick: (first?.tick ?? 0) + i + 1 }));

    // A save may have come before her input did.
    const saved = (): { readonly inputs?: number } => JSON.parse(gate.saved.players.get("ann")?.data ?? "{}");
    await gate.until(() => (saved().inputs ?? 0) > 0 && gate.callsTo("/v1/stats").length > 0);
    expect(saved()).toMatchObject({ inputs: 1, score: expect.any(Number) });
    expect(JSON.parse(gate.saved.server ?? "")).toMatchObject({ orbs: expect.any(Array) });

    await expect((await get(gamePort, "/health")).json()).resolves.toMatchObject({ ok: true, players: 2 });
    const metrics = await (await get(gamePort, "/metrics")).text();
    expect(metrics).toMatch(/^arena_players 2$/m);
    expect(metrics).toMatch(/^arena_joins_total 2$/m);
    expect((await get(gamePort, "/else")).status).toBe(404);

    ann.send({ type: "leave" });
    await expect(ann.closed).resolves.toBe(1000);
    await gate.until(() => gate.left.has("session-ann"));
    await ben.until(() => ben.states.some(({ gone }) => gone.includes(you)));
  });

  it("refuses tickets that are foreign, expired, broken or used, and says why", async () => {
    const { gate, gamePort } = await startArena();
    const used = gate.ticket("ann");
    const ann = await Client.join(gamePort, used);
    await ann.got("welcome");
    const wrong = {
      ticketMalformed: "nonsense",
      ticketSignature: `${gate.ticket("ben")}x`,
      ticketExpired: gate.ticket("ben", { expiresAtMs: 1 }),
      ticketForeign: gate.ticket("ben", { serverId: "server-2" }),
      ticketReplayed: used,
    };
    for (const [code, ticket] of Object.entries(wrong)) {
      const client = await Client.join(gamePort, ticket);
      await expect(client.got("refused")).resolves.toMatchObject({ code });
      await expect(client.closed).resolves.toBe(4003);
    }
    expect([...gate.seats.keys()]).toEqual(["ann"]);
  });

  it("answers nonsense with an error, and hangs up on who goes on with it", async () => {
    const { gate, gamePort } = await startArena();
    const rude = await Client.connect(gamePort);
    for (const nonsense of ["", "{", '{"type":"fly"}', { type: "input", seq: 1, dx: 0, dy: 0 }]) rude.send(nonsense);
    await rude.until(() => rude.messages.length === 4);
    expect(rude.messages.map((message) => "code" in message && message.code)).toEqual([
      "malformed",
      "malformed",
      "malformed",
      "notJoined",
    ]);
    rude.send(Buffer.from([1, 2, 3]).toString());
    await expect(rude.closed).resolves.toBe(4000);

    const long = await Client.connect(gamePort);
    long.send("x".repeat(5000));
    await expect(long.closed).resolves.toBe(1009);

    const flood = await Client.join(gamePort, gate.ticket("ann"));
    await flood.got("welcome");
    for (let n = 0; n < 200; n++) flood.send({ type: "ping", n });
    await expect(flood.closed).resolves.toBe(1008);

    const twice = await Client.join(gamePort, gate.ticket("ben"));
    await twice.got("welcome");
    twice.send({ type: "join", ticket: gate.ticket("cid") });
    await expect(twice.got("error")).resolves.toMatchObject({ code: "alreadyJoined" });
    expect(gate.seats.has("cid")).toBe(false);
  });

  it("gives back what another server saved, of players and of the match", async () => {
    const player = JSON.stringify({ x: 11, y: 22, score: 33, inputs: 44 });
    const orbs = Array.from({ length: ORBS }, (_, i) => ({ x: 600 + i, y: 700 }));
    const restore = { players: { ann: player }, server: JSON.stringify({ tick: 5000, orbs }), ageMs: 1500 };
    const { gate, gamePort } = await startArena({ restore });
    const ann = await Client.join(gamePort, gate.ticket("ann", { generation: 2 }));
    const { you, ...welcome } = await ann.got("welcome");
    expect(welcome).toMatchObject({ score: 33, inputs: 44, restoredAgeMs: 1500 });
    await ann.until(() => ann.states.length > 0);
    const [state] = ann.states;
    expect(state?.tick).toBeGreaterThan(5000);
    const row = state?.moved ?? [];
    expect(row.slice(row.indexOf(you), row.indexOf(you) + 3)).toEqual([you, 11, 22]);
    expect(row.join(",")).toContain("600,700");
    expect(state?.scores).toEqual([you, 33]);
  });

  it("sends away whom Forge moved, and reports nothing of them", async () => {
    const { gate, gamePort } = await startArena();
    const [ann, ben] = await Promise.all(["ann", "ben"].map((id) => Client.join(gamePort, gate.ticket(id))));
    if (!ann || !ben) fail("no clients");
    await Promise.all([ann.got("welcome"), ben.got("welcome")]);
    gate.push("moved", { playerIds: ["ann"], reason: "rebalanced" });
    await expect(ann.got("moved")).resolves.toEqual({ type: "moved", final: true, reason: "rebalanced" });
    await expect(ann.closed).resolves.toBe(4001);
    ben.send({ type: "leave" });
    await gate.until(() => gate.callsTo("/v1/players/leave").length > 0);
    expect(gate.callsTo("/v1/players/leave").map(({ body }) => body)).toEqual([{ playerId: "ben" }]);
  });

  it("takes a player back whose connection broke", async () => {
    const { gate, gamePort } = await startArena();
    const ticket = gate.ticket("ann");
    const before = await Client.join(gamePort, ticket);
    const { you } = await before.got("welcome");
    before.send({ type: "input", seq: 1, dx: 0, dy: 0 });
    before.send({ type: "ping", n: 1 });
    await before.got("pong");
    before.socket.terminate();
    await before.closed;
    // The server may learn of the end after the new connection's join: a client tries again.
    for (;;) {
      const again = await Client.join(gamePort, ticket);
      const answer = await Promise.race([again.got("welcome"), again.got("refused")]);
      if (answer.type === "refused") continue;
      expect(answer).toMatchObject({ you, inputs: 1 });
      break;
    }
    expect(gate.callsTo("/v1/players/leave")).toHaveLength(0);
  });

  it("says so when it drains, and goes on; saves and sends everybody away when it stops", async () => {
    const { gate, server, gamePort } = await startArena();
    const ann = await Client.join(gamePort, gate.ticket("ann"));
    await ann.got("welcome");
    gate.push("draining", { deadline: Date.now() + 60_000, reason: "new version" });
    await expect(ann.got("moved")).resolves.toEqual({ type: "moved", final: false, reason: "new version" });
    const states = ann.states.length;
    await ann.until(() => ann.states.length > states + 2);
    await gate.until(() => gate.saved.players.has("ann"));
    gate.saved.players.clear();
    server.child.kill("SIGTERM");
    await expect(ann.closed).resolves.toBe(4001);
    expect(ann.messages.at(-1)).toEqual({ type: "moved", final: true, reason: "SIGTERM" });
    await expect(server.ended).resolves.toBe(0);
    expect(gate.saved.players.has("ann")).toBe(true);
    expect(gate.callsTo("/v1/players/leave")).toHaveLength(0);
  });

  it("ends with an error when its physics dies", async () => {
    const { gate, server, physics, gamePort } = await startArena();
    const ann = await Client.join(gamePort, gate.ticket("ann"));
    await ann.got("welcome");
    physics.child.kill("SIGKILL");
    await expect(server.ended).resolves.toBe(1);
    expect(server.err.join("\n")).toContain("the physics is gone");
  });

  it("ends with an error when its physics hangs", async () => {
    const { gate, server, physics, gamePort } = await startArena();
    const ann = await Client.join(gamePort, gate.ticket("ann"));
    await ann.got("welcome");
    physics.child.kill("SIGSTOP");
    await expect(server.ended).resolves.toBe(1);
    expect(server.err.join("\n")).toMatch(/the physics has not answered for \d+ ms/);
  });

  it("has NPCs while an AI leads them, finds it by its peers, and plays on without", async () => {
    const { gate, gamePort } = await startArena();
    const ann = await Client.join(gamePort, gate.ticket("ann"));
    await ann.until(() => ann.states.length > 0);
    expect([...ann.entities()].some((entity) => kindOf(entity) === "npc")).toBe(false);

    const ai = programs.start("ai", { FORGE_PORT_AI: "0" });
    const aiPort = portIn(await ai.line(/arena ai on/));
    gate.push("peers", { role: "ai", addresses: [`127.0.0.1:${aiPort}`] });
    await ann.until(() => [...ann.entities()].filter((entity) => kindOf(entity) === "npc").length === NPCS);
    const moves = (): number => ann.states.filter(({ full, moved }) => !full && moved.includes(FIRST_NPC)).length;
    await ann.until(() => moves() > 5);

    ai.child.kill("SIGKILL");
    await ann.until(() => ![...ann.entities()].some((entity) => kindOf(entity) === "npc"));
    const states = ann.states.length;
    await ann.until(() => ann.states.length > states + 5);
  });
});

describe("a swarm of bots", () => {
  it("plays, follows to another server with its scores when one is killed, and leaves", async () => {
    const controller = await ControllerDouble.start();
    doubles.push(controller);
    const arenas = [await startArena({ serverId: "srv-1" }), await startArena({ serverId: "srv-2" })];
    controller.servers = arenas.map(({ gate, gamePort }) => ({ gate, gamePort, maxPlayers: 24 }));
    const [first, second] = arenas;
    const [failing] = controller.servers;
    if (!first || !second || !failing) fail("no arenas");
    const args = ["--count", "20", "--duration", "60", "--seed", "3"];
    const bots = programs.start("bots", { FORGE_ADDR: controller.url, FORGE_TOKEN: "t" }, args);
    const savedSeats = (): number =>
      [...first.gate.seats.keys()].filter((id) => first.gate.saved.players.has(id)).length;
    await first.gate.until(() => savedSeats() >= 8);
    first.server.child.kill("SIGKILL");
    await first.server.ended;
    const moved = controller.failed(failing);
    const played = moved.filter(({ playerId }) => first.gate.saved.players.has(playerId));
    // A party may be more than was wanted, and others leave for it, also while they are on the move.
    const stayed = (): number => played.filter(hasSeat).length;
    const counts = (line: string): Record<string, number> => JSON.parse(line) as Record<string, number>;
    // Those who came too late to be saved move too, and may be the first to be back.
    await bots.line((line) => (counts(line)["restored"] ?? 0) + (counts(line)["restoredWrong"] ?? 0) >= stayed());
    const restored = stayed();
    expect(restored).toBeGreaterThan(0);
    bots.child.kill("SIGTERM");
    await expect(bots.ended).resolves.toBe(0);

    expect(bots.out[0]).toContain('"type":"bots"');
    expect(counts(bots.out[0] ?? "")).toMatchObject({ playing: expect.any(Number), queued: 0, moved: 0, lost: 0 });
    const summary = counts(bots.out.at(-1) ?? "");
    const clean = { lost: 0, told: 0, wrongStates: 0, restoredWrong: 0 };
    expect(summary).toMatchObject({
      type: "botsSummary",
      ...clean,
      routeMs: { p50: expect.any(Number), p99: expect.any(Number) },
    });
    expect(summary["restored"]).toBeGreaterThanOrEqual(restored);
    expect(summary["players"]).toBeGreaterThanOrEqual(moved.length);
    expect(summary["maxRestoredAgeMs"]).toBeGreaterThan(0);
    expect(controller.reports).toContainEqual(
      expect.objectContaining({ latencyMs: expect.any(Number), packetLoss: expect.any(Number) }),
    );
    await second.gate.until(() => second.gate.seats.size === 0);
  }, 240_000);

  it("leaves when it is asked to", async () => {
    const controller = await ControllerDouble.start();
    doubles.push(controller);
    const arena = await startArena();
    controller.servers = [{ gate: arena.gate, gamePort: arena.gamePort, maxPlayers: 24 }];
    const bots = programs.start("bots", { FORGE_ADDR: controller.url, FORGE_TOKEN: "t" }, ["--count", "5"]);
    await arena.gate.until(() => arena.gate.seats.size > 0);
    bots.child.kill("SIGTERM");
    await expect(bots.ended).resolves.toBe(0);
    expect(JSON.parse(bots.out.at(-1) ?? "")).toMatchObject({ type: "botsSummary", lost: 0, told: 0 });
    await arena.gate.until(() => arena.gate.seats.size === 0);
  });

  it("says how it is used", async () => {
    const bots = programs.start("bots", {}, ["--count", "0"]);
    await expect(bots.ended).resolves.toBe(2);
    expect(bots.err.join("\n")).toMatch(/--url is missing.*\nusage: arena-bots --url URL/);
  });
});
