import AgonesSDK from "@google-cloud/agones-sdk";
import type Beta from "@google-cloud/agones-sdk/src/beta";
import { seatRequest, seconds, settled } from "../test-node";
import { AgonesNode } from "./test-sdk";

/** The official client from npm, unchanged, against the real gate and agent. */
let of: AgonesNode;
/** The package's own types leave `beta` out. */
let sdk: AgonesSDK & { readonly beta: Beta };

beforeEach(async () => {
  of = await AgonesNode.start();
  sdk = await connected();
});
afterEach(async () => {
  sdk.close();
  await of.stop();
});

async function connected(): Promise<typeof sdk> {
  process.env.AGONES_SDK_GRPC_PORT = String(of.port);
  const client = new AgonesSDK() as typeof sdk;
  await client.connect();
  return client;
}

async function state(): Promise<string | undefined> {
  return (await sdk.getGameServer()).status?.state;
}

it("goes through the states by the client's own calls", async () => {
  const { controller } = of.node;
  expect(await state()).toBe("Scheduled");
  await sdk.ready();
  expect(await state()).toBe("Ready");
  await sdk.allocate();
  expect(await state()).toBe("Allocated");
  await sdk.reserve(30);
  expect(await state()).toBe("Reserved");
  await sdk.ready();
  await sdk.shutdown();
  expect(await state()).toBe("Shutdown");
  // No way back from there.
  await sdk.ready();
  expect(await state()).toBe("Shutdown");
  const told = controller.told.filter((kind) => kind !== "labels");
  expect(told).toEqual(["ready", "selfAllocated", "reserved", "ready", "shutdownAsked"]);
});

it("is Ready again when a reservation has run out, and stays Reserved where none was named", async () => {
  await sdk.reserve(5);
  await seconds(of.node, 4);
  expect(await state()).toBe("Reserved");
  await seconds(of.node, 1);
  expect(await state()).toBe("Ready");
  await sdk.reserve(0);
  sdk.health(() => undefined);
  await settled();
  await seconds(of.node, 10);
  expect(await state()).toBe("Reserved");
});

it("shows itself", async () => {
  await sdk.ready();
  const { objectMeta, spec, status } = await sdk.getGameServer();
  expect(objectMeta).toMatchObject({ name: "s1", namespace: "default", uid: "a1", generation: 1 });
  expect(objectMeta?.creationTimestamp).toBe(Math.floor(of.node.clock.now() / 1000));
  expect(spec?.health).toEqual({ disabled: false, periodSeconds: 5, failureThreshold: 3, initialDelaySeconds: 5 });
  expect(status).toMatchObject({
    state: "Ready",
    address: "127.0.0.1",
    addressesList: [{ type: "InternalIP", address: "127.0.0.1" }],
    portsList: [{ name: "game", port: 7654 }],
    players: { count: 0, capacity: 4, idsList: [] },
    countersMap: [["rooms", { count: 1, capacity: 10 }]],
    listsMap: [["players", { capacity: 100, valuesList: ["test0", "test1", "test2"] }]],
  });
});

it("puts labels and annotations under Agones' prefix, and refuses what Kubernetes would", async () => {
  await sdk.setLabel("map", "ice");
  await sdk.setAnnotation("note", "any text: even this");
  const { objectMeta } = await sdk.getGameServer();
  expect(objectMeta?.labelsMap).toContainEqual(["agones.dev/sdk-map", "ice"]);
  expect(objectMeta?.annotationsMap).toEqual([["agones.dev/sdk-note", "any text: even this"]]);
  await expect(sdk.setLabel("map", "not a label value")).rejects.toMatchObject({ code: 3 });
  await expect(sdk.setLabel("no key!", "x")).rejects.toMatchObject({ code: 3 });
  await expect(sdk.setAnnotation("", "x")).rejects.toMatchObject({ code: 3 });
});

it("is watched: the state of now, then each change", async () => {
  const seen: string[] = [];
  let news = (): void => undefined;
  const next = (): Promise<void> => new Promise((resolve) => (news = resolve));
  const first = next();
  sdk.watchGameServer(
    ({ status }) => {
      seen.push(String(status?.state));
      news();
    },
    () => undefined,
  );
  await first;
  for (const step of [sdk.ready.bind(sdk), sdk.allocate.bind(sdk)]) {
    const told = next();
    await step();
    of.node.clock.advance(250);
    await told;
  }
  expect(seen).toEqual(["Scheduled", "Ready", "Allocated"]);
});

it("is unhealthy after three periods of silence, counted from the initial delay on, and not before", async () => {
  await sdk.ready();
  await seconds(of.node, 19);
  sdk.health(() => undefined);
  while (of.node.controller.told.length === 0) await settled();
  await settled();
  await seconds(of.node, 15);
  expect(of.node.controller.told).not.toContain("health");
  await seconds(of.node, 2);
  expect(of.node.controller.events.at(-1)).toMatchObject({ kind: "health", healthy: false });
  expect(await state()).toBe("Unhealthy");
});

it("is unhealthy where it never says Health", async () => {
  await sdk.ready();
  await seconds(of.node, 20);
  expect(of.node.controller.told).toEqual(["ready"]);
  await seconds(of.node, 1);
  expect(of.node.controller.told).toEqual(["ready", "health"]);
});

it("counts", async () => {
  const { beta } = sdk;
  expect(await beta.getCounterCount("rooms")).toBe(1);
  await beta.incrementCounter("rooms", 9);
  await expect(beta.incrementCounter("rooms", 1)).rejects.toMatchObject({ code: 2, details: /out of range/ });
  await beta.decrementCounter("rooms", 10);
  await beta.setCounterCount("rooms", 10);
  expect(await beta.getCounterCapacity("rooms")).toBe(10);
  await beta.setCounterCapacity("rooms", 1);
  expect(await beta.getCounterCount("rooms")).toBe(1);
  await expect(beta.getCounterCount("doors")).rejects.toMatchObject({ code: 2, details: "counter not found: doors" });
});

it("keeps lists", async () => {
  const { beta } = sdk;
  expect(await beta.getListValues("players")).toEqual(["test0", "test1", "test2"]);
  await beta.appendListValue("players", "test3");
  await expect(beta.appendListValue("players", "test3")).rejects.toMatchObject({ code: 2, details: /already exists/ });
  await beta.deleteListValue("players", "test2");
  await expect(beta.deleteListValue("players", "test2")).rejects.toMatchObject({ code: 2, details: /not found/ });
  expect(await beta.listContains("players", "test3")).toBe(true);
  expect(await beta.getListLength("players")).toBe(3);
  await beta.setListCapacity("players", 2);
  expect(await beta.getListValues("players")).toEqual(["test0", "test1"]);
  expect(await beta.getListCapacity("players")).toBe(2);
  await expect(beta.setListCapacity("players", 1001)).rejects.toMatchObject({ code: 2, details: /\[0,1000\]/ });
});

it("tracks players", async () => {
  const { alpha } = sdk;
  await alpha.setPlayerCapacity(2);
  expect(await alpha.getPlayerCapacity()).toBe(2);
  expect(await alpha.playerConnect("ann")).toBe(true);
  expect(await alpha.playerConnect("ann")).toBe(false);
  expect(await alpha.playerConnect("bob")).toBe(true);
  await expect(alpha.playerConnect("cid")).rejects.toMatchObject({ details: "players are already at capacity" });
  expect(await alpha.isPlayerConnected("bob")).toBe(true);
  expect(await alpha.getConnectedPlayers()).toEqual(["ann", "bob"]);
  expect(await alpha.playerDisconnect("ann")).toBe(true);
  expect(await alpha.playerDisconnect("ann")).toBe(false);
  expect(await alpha.getPlayerCount()).toBe(1);
  await seconds(of.node, 1);
  expect(of.node.controller.events.findLast(({ kind }) => kind === "counts")).toMatchObject({
    tracked: { capacity: 2, values: ["bob"] },
  });
});

it("is Allocated by a match that was asked for, says when, and is Ready again by its own word", async () => {
  await sdk.ready();
  const { controller, clock } = of.node;
  const at = { serverId: "s1", allocationId: "a1" };
  const claim = { kind: "claim" as const, ...at, matchId: "m1", leaseMs: 30_000 };
  expect(await controller.ask({ ...claim, seats: [seatRequest("x1")] })).toMatchObject({ ok: true });
  const { objectMeta, status } = await sdk.getGameServer();
  expect(status?.state).toBe("Allocated");
  expect(objectMeta?.annotationsMap).toEqual([["agones.dev/last-allocated", new Date(clock.now()).toISOString()]]);
  expect(await controller.ask({ kind: "close", ...at, onlyIfEmpty: true })).toMatchObject({ code: "notEmpty" });
  await sdk.ready();
  expect(await state()).toBe("Ready");
  expect(controller.told).toContain("matchEnded");
});

it("is nobody's to give or to close once it has allocated itself", async () => {
  await sdk.ready();
  await sdk.allocate();
  const at = { serverId: "s1", allocationId: "a1" };
  const { controller } = of.node;
  expect(
    await controller.ask({ kind: "claim", ...at, matchId: "m1", seats: [seatRequest("x1")], leaseMs: 1000 }),
  ).toMatchObject({ code: "claimed" });
  expect(await controller.ask({ kind: "close", ...at, onlyIfEmpty: true })).toMatchObject({ code: "notEmpty" });
});

it("keeps its connection, its streams and its state while the agent is away and another comes", async () => {
  const seen: string[] = [];
  let ended = false;
  sdk.watchGameServer(
    ({ status }) => void seen.push(String(status?.state)),
    () => (ended = true),
  );
  await sdk.ready();
  await sdk.allocate();
  await sdk.beta.incrementCounter("rooms", 2);
  let capacity: Promise<number> | undefined;
  await of.restartAgent(async () => {
    // A call that comes while nobody is there waits for the next agent.
    capacity = sdk.beta.getCounterCapacity("rooms");
    sdk.health(() => undefined);
    while (of.gate.waitingCalls < 1) await settled();
  });
  expect(await capacity).toBe(10);
  expect(await state()).toBe("Allocated");
  expect(await sdk.beta.getCounterCount("rooms")).toBe(3);
  const report = (await of.node.connect()).snapshots[0]?.servers[0];
  expect(report).toMatchObject({ ready: true, selfAllocated: true, healthy: true });
  await sdk.ready();
  of.node.clock.advance(250);
  while (seen.at(-1) !== "Ready") await settled();
  expect(ended).toBe(false);
});

it("counts once what an agent carried out that died before it could say so", async () => {
  const count = async (): Promise<number> => {
    const { body } = await of.rest("GET", "/v1beta1/counters/rooms");
    return Number(body["count"]);
  };
  expect(await count()).toBe(1);
  await of.loseAnswers();
  const carriedOut = [sdk.beta.incrementCounter("rooms", 2), sdk.beta.incrementCounter("rooms", 3)];
  const counts = (): unknown => of.node.controller.events.findLast(({ kind }) => kind === "counts");
  do await seconds(of.node, 1);
  while (!JSON.stringify(counts() ?? "").includes('"count":6'));
  await of.restartAgent();
  await Promise.all(carriedOut);
  expect(await count()).toBe(6);
  await sdk.beta.incrementCounter("rooms", 1);
  expect(await count()).toBe(7);
});
