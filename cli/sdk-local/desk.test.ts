import { once } from "node:events";
import { connect } from "node:net";
import AgonesSDK from "@google-cloud/agones-sdk";
import { GameServer } from "../../sdk/src/server";
import { systemClock } from "../../protocol/clock";
import type { AgentEvent } from "../../protocol/messages";
import { freePorts } from "../../protocol/free-ports";
import { Desk, type DeskOptions } from "./desk";
import { order } from "./desk-orders";
import { DEFAULT_SERVER } from "./game-server-file";

let desk: Desk;
let ports: { readonly grpcPort: number; readonly httpPort: number };

async function open(options: Partial<DeskOptions> = {}): Promise<void> {
  const [grpcPort = 0, httpPort = 0] = await freePorts(2);
  ports = { grpcPort, httpPort };
  desk = await Desk.start({
    server: DEFAULT_SERVER,
    ...ports,
    token: "desk-token",
    seats: "match",
    maxPlayers: 4,
    version: "0.0.0",
    clock: systemClock,
    ...options,
  });
}
afterEach(() => desk.close());

function agones(): AgonesSDK {
  process.env.AGONES_SDK_GRPC_PORT = String(ports.grpcPort);
  return new AgonesSDK();
}

function forge(): Promise<GameServer> {
  const env = { FORGE_SDK_URL: `http://127.0.0.1:${ports.httpPort}`, FORGE_SDK_TOKEN: "desk-token" };
  return GameServer.connect({ env });
}

async function next<Kind extends AgentEvent["kind"]>(kind: Kind): Promise<Extract<AgentEvent, { kind: Kind }>> {
  for (;;) {
    const [event] = (await once(desk, "event")) as [AgentEvent];
    if (event.kind === kind) return event as Extract<AgentEvent, { kind: Kind }>;
  }
}

it("answers the official Agones client on one port and its REST on the other, and begins anew after Shutdown", async () => {
  await open();
  const sdk = agones();
  await sdk.connect();
  await sdk.ready();
  await sdk.setLabel("map", "ice");
  const answer = await fetch(`http://127.0.0.1:${ports.httpPort}/gameserver`);
  expect(await answer.json()).toMatchObject({
    object_meta: { name: "local", labels: { islocal: "true", "agones.dev/sdk-map": "ice" } },
    status: { state: "Ready", counters: { rooms: { count: "1", capacity: "10" } } },
  });
  const renewed = once(desk, "renewed");
  await sdk.shutdown();
  expect((await sdk.getGameServer()).status?.state).toBe("Shutdown");
  sdk.close();
  await renewed;
  const again = agones();
  await again.connect();
  const { objectMeta, status } = await again.getGameServer();
  expect(status?.state).toBe("Scheduled");
  expect(objectMeta?.labelsMap).not.toContainEqual(["agones.dev/sdk-map", "ice"]);
  again.close();
});

it("answers Forge's SDK: seats, tickets, a move, and a new server once the stream has ended", async () => {
  await open({ seats: "reported" });
  const server = await forge();
  const ready = next("ready");
  await server.ready();
  await ready;
  const { ok, lines } = await order(desk, "seat ann");
  expect(ok).toBe(true);
  const ticket = /^ticket of ann: (\S+)$/.exec(lines[0] ?? "")?.[1] ?? "";
  expect(await server.playerJoined(ticket)).toMatchObject({ admitted: true, playerId: "ann" });
  expect(await server.playerJoined(ticket)).toMatchObject({ admitted: false, code: "ticketReplayed" });
  const moved = new Promise((resolve) => server.on("moved", resolve));
  expect(await order(desk, "move ann")).toMatchObject({ ok: true });
  expect(await moved).toMatchObject({ playerIds: ["ann"] });
  const renewed = once(desk, "renewed");
  server.close();
  await renewed;
});

it("is allocated by an order, once it is Ready, and tells who watches", async () => {
  await open();
  const sdk = agones();
  await sdk.connect();
  expect(await order(desk, "allocate")).toEqual({
    ok: false,
    lines: ["refused (notReady): the server has not said that it is ready"],
  });
  const allocated = new Promise<void>((resolve) => {
    sdk.watchGameServer(
      ({ status }) => (status?.state === "Allocated" ? resolve() : undefined),
      () => undefined,
    );
  });
  await sdk.ready();
  expect(await order(desk, "allocate")).toMatchObject({ ok: true });
  await allocated;
  expect(await order(desk, "frobnicate all")).toMatchObject({ ok: false, lines: [/no order "frobnicate"/] });
  sdk.close();
});

it("says which port is taken, and leaves none open where it cannot start", async () => {
  await open();
  const [free = 0] = await freePorts(1);
  const clash = Desk.start({
    server: DEFAULT_SERVER,
    grpcPort: free,
    httpPort: ports.httpPort,
    token: "t",
    seats: "match",
    maxPlayers: 1,
    version: "0",
    clock: systemClock,
  });
  await expect(clash).rejects.toMatchObject({ code: "portTaken", message: `127.0.0.1:${ports.httpPort} is taken` });
  const [refused] = (await once(connect(free, "127.0.0.1"), "error")) as [{ readonly code: string }];
  expect(refused.code).toBe("ECONNREFUSED");
});
