import type { FollowResult, Waiting } from "./decision";
import type { Placement, Region, Session } from "./resources";
import { code, join, sessions } from "./testing/ask";
import { TwoRegions } from "./testing/two-regions";

const DRAIN = { type: "drainRegion", on: true } as const;
const UNDRAIN = { type: "drainRegion", on: false } as const;
const region = ({ here }: TwoRegions): Region["drain"] =>
  here.must<{ region: Region }>({ type: "getRegion" }).region.drain;

it("moves each player to a seat in the other region, told to whoever follows the old session", () => {
  const two = new TwoRegions();
  const { here, there } = two;
  const ann = here.must<Placement>(join("ann"));
  here.agentOf(ann.server.id).join(ann.server.id, ann.session.id, 1, here.nowMs);
  here.run();
  const following = here.ask({
    type: "followSession",
    sessionId: ann.session.id,
    afterGeneration: 1,
    untilMs: here.nowMs + 25_000,
  });
  here.must(DRAIN);
  two.advance(1000);
  const [moved] = there.must<Session[]>(sessions);
  expect(moved).toMatchObject({ playerId: "ann", state: "reserved", generation: 2, moves: 1, region: "there" });
  const told = here.reply(following);
  expect(told.ok && told.value).toMatchObject({
    session: { id: moved?.id, region: "there", generation: 2 },
    server: { id: moved?.serverId },
  });
  expect(told.ok && (told.value as FollowResult).ticket).toBeTruthy();
  expect(here.must<Session[]>(sessions)).toEqual([]);
  const types = here.eventTypes();
  const steps = ["region.draining", "region.moving", "session.moved", "session.ended", "region.drained"];
  expect(types.filter((type) => steps.includes(type))).toEqual(steps);
  expect(here.agent("n1").notices.map(({ notice }) => notice)).toContainEqual(
    expect.objectContaining({ kind: "moved", playerIds: ["ann"] }),
  );
});

it("keeps a party together and brings along what was saved of each", () => {
  const two = new TwoRegions({ scaling: { minServers: 2 } });
  const { here, there } = two;
  const placed = here.must<Placement>(join("ann", { party: ["bob", "cyd"] }));
  here.agentOf(placed.server.id).save(placed.server.id, "bob", "bob's sword", here.nowMs);
  here.run();
  here.must(DRAIN);
  two.advance(1000);
  const moved = there.must<Session[]>(sessions);
  expect(moved.map(({ playerId }) => playerId).sort()).toEqual(["ann", "bob", "cyd"]);
  expect(new Set(moved.map(({ serverId }) => serverId)).size).toBe(1);
  expect(moved.every(({ party }) => party.length === 3)).toBe(true);
  const bob = moved.find(({ playerId }) => playerId === "bob");
  expect(bob?.restoredAgeMs).toBeGreaterThanOrEqual(0);
  const seat = there
    .agentOf(bob?.serverId ?? "")
    .servers.get(bob?.serverId ?? "")
    ?.seats.get(bob?.id ?? "");
  expect(seat?.restore?.data).toBe("bob's sword");
});

it("takes a match to a whole server of its own, with what its server was told", () => {
  const two = new TwoRegions({ seats: "match", scaling: { minServers: 1 } });
  const { here, there } = two;
  here.must({
    type: "allocateMatch",
    experienceId: "arena",
    matchId: "final",
    players: [{ playerId: "ann" }, { playerId: "bob" }],
    annotations: { map: "ice" },
  });
  here.must(DRAIN);
  two.advance(1000);
  const moved = there.must<Session[]>(sessions);
  expect(moved).toHaveLength(2);
  const server = there.agentOf(moved[0]?.serverId ?? "").servers.get(moved[0]?.serverId ?? "");
  expect(server).toMatchObject({ claim: "final", annotations: { map: "ice" } });
});

it("moves nobody where no other region can serve them, says so, and goes on once one can", () => {
  const two = new TwoRegions();
  const { here, there } = two;
  here.must(join("ann"));
  there.must(DRAIN);
  two.tellPeers();
  here.must(DRAIN);
  two.advance(5000);
  expect(here.must<Session[]>(sessions)).toHaveLength(1);
  expect(region(two)).toMatchObject({
    moved: 0,
    left: 1,
    stuck: { arena: expect.stringContaining("no other region") },
  });
  expect(here.eventTypes().filter((type) => type === "region.stuck")).toHaveLength(1);
  there.must(UNDRAIN);
  two.advance(3000);
  expect(here.must<Session[]>(sessions)).toEqual([]);
  expect(there.must<Session[]>(sessions)).toHaveLength(1);
  expect(region(two)).toMatchObject({ moved: 1, left: 0, stuck: {} });
});

describe("players whose server dies where nothing can be started any more", () => {
  /** A party of two on a server that is lost, with what was saved of one; no node takes another. */
  function lost(): TwoRegions {
    const two = new TwoRegions({ scaling: { minServers: 1, maxServers: 1 } });
    const { here } = two;
    const { server, session } = here.must<Placement>(join("ann", { party: ["ann", "ben"] }));
    const agent = here.agentOf(server.id);
    agent.join(server.id, session.id, 1, here.nowMs);
    agent.save(server.id, "ann", "level 7", here.nowMs);
    here.run();
    here.engine.room = 0;
    here.kill(server.id);
    here.run();
    return two;
  }

  it("go to the other region together, when theirs is drained", () => {
    const two = lost();
    const { here, there } = two;
    two.advance(2000);
    expect(here.must<Session[]>(sessions).map(({ state }) => state)).toEqual(["migrating", "migrating"]);
    const [ann] = here.must<Session[]>(sessions);
    const asked = here.ask({ type: "followSession", sessionId: ann?.id ?? "", afterGeneration: 1, untilMs: Infinity });
    here.must(DRAIN);
    two.advance(3000);
    expect(here.must<Session[]>(sessions)).toEqual([]);
    const moved = there.must<Session[]>(sessions);
    expect(moved.map(({ playerId, generation }) => [playerId, generation])).toEqual([
      ["ann", 2],
      ["ben", 2],
    ]);
    expect(new Set(moved.map(({ serverId }) => serverId)).size).toBe(1);
    expect(moved.find(({ playerId }) => playerId === "ann")?.restoredAgeMs).toBeGreaterThan(0);
    expect(here.reply(asked)).toMatchObject({ ok: true, value: { session: { region: "there" } } });
    expect(here.eventTypes()).not.toContain("session.lost");
    expect(here.core.counts()).toMatchObject({ queued: 0 });
  });

  it("stay with the seat that they are given here meanwhile", () => {
    const two = lost();
    const { here } = two;
    here.must(DRAIN);
    here.advance(1000);
    expect(here.transfers).toHaveLength(1);
    here.engine.room = Infinity;
    here.advance(5000);
    expect(here.must<Session[]>(sessions).map(({ state }) => state)).toEqual(["reserved", "reserved"]);
    const [{ transferId, arrival } = { transferId: 0, arrival: undefined }] = here.transfers;
    const result = two.there.call({ type: "takeIn", ...(arrival as NonNullable<typeof arrival>) });
    here.give({ type: "transferred", transferId, result: result as never });
    here.run();
    expect(here.must<Session[]>(sessions).map(({ generation }) => generation)).toEqual([2, 2]);
  });

  it("are lost in time where no other region takes them either", () => {
    const two = lost();
    const { here, there } = two;
    there.must(DRAIN);
    two.tellPeers();
    here.must(DRAIN);
    two.advance(58_000);
    expect(here.must<Session[]>(sessions)).toHaveLength(2);
    two.advance(4000);
    expect(here.must<Session[]>(sessions)).toEqual([]);
    expect(here.eventTypes().filter((type) => type === "session.lost")).toHaveLength(2);
  });
});

it("waits for room in the other region, which is made for them", () => {
  const two = new TwoRegions({ maxPlayers: 1, scaling: { minServers: 0, maxServers: 3 } });
  const { here, there } = two;
  for (const player of ["ann", "bob", "cyd"]) here.must(join(player));
  here.advance(1000);
  expect(here.must<Session[]>(sessions).every(({ state }) => state === "reserved")).toBe(true);
  there.autoReady = false;
  here.must(DRAIN);
  const [first] = here.transfers;
  expect(first).toBeDefined();
  const asked = here.transfers.splice(0).map(({ arrival }) => there.ask({ type: "takeIn", ...arrival }));
  there.run();
  expect(here.must<Session[]>(sessions)).toHaveLength(3);
  expect(there.engine.starts).toBeGreaterThan(0);
  for (const agent of there.agents.values())
    for (const serverId of agent.servers.keys()) agent.becomeReady(serverId, there.nowMs);
  there.run();
  expect(asked.map((id) => there.reply(id).ok)).toEqual([true, true, true]);
});

it("lets those stay who were not moved when the drain is undone, and nobody loses a seat", () => {
  const two = new TwoRegions();
  const { here, there } = two;
  here.must(join("ann"));
  here.must(DRAIN);
  const [transfer] = here.transfers.splice(0);
  here.must(UNDRAIN);
  if (!transfer) throw new Error("nothing was asked");
  const result = there.call({ type: "takeIn", ...transfer.arrival });
  here.give({ type: "transferred", transferId: transfer.transferId, result: result as never });
  expect(here.must<Session[]>(sessions)).toMatchObject([{ playerId: "ann", state: "reserved" }]);
  expect(here.must<Placement>(join("bob")).session.region).toBe("here");
  // The seat over there was never taken.
  there.advance(31_000);
  expect(there.must<Session[]>(sessions)).toEqual([]);
});

it("takes back what was never said", () => {
  const { here } = new TwoRegions();
  expect(code(here.call(UNDRAIN))).toBe("ok");
  expect(here.eventTypes()).not.toContain("region.undrained");
});

describe("a new leader", () => {
  it("goes on with the drain, as the agents keep it", () => {
    const two = new TwoRegions();
    two.here.must(join("ann"));
    two.here.must({ ...DRAIN, afterSecs: 10 });
    two.here.restart();
    two.here.run();
    two.tellPeers();
    expect(code(two.here.call(join("bob")))).toBe("unavailable");
    two.advance(4000);
    expect(two.here.must<Session[]>(sessions)).toHaveLength(1);
    two.advance(8000);
    expect(two.here.must<Session[]>(sessions)).toEqual([]);
    expect(two.there.must<Session[]>(sessions)).toHaveLength(1);
  });

  it("sends away who came to it before it heard of the drain", () => {
    const { here } = new TwoRegions();
    here.must({ ...DRAIN, afterSecs: 600 });
    here.restart();
    const early = here.ask(join("ann"));
    here.run();
    const waits = here.reply(early);
    if (!waits.ok) throw new Error(waits.problem.detail);
    const { queueTicket } = waits.value as Waiting;
    const wait = { type: "waitQueue", queueTicket, untilMs: here.nowMs } as const;
    expect(here.call(wait)).toMatchObject({ ok: false, problem: { code: "unavailable" } });
    expect(here.must<Session[]>(sessions)).toEqual([]);
    expect(code(here.call(join("ann")))).toBe("unavailable");
  });

  it.each(["asked", "answered", "told"])(
    "asks for the same seats again where the last one died once they were %s",
    (step) => {
      const two = new TwoRegions();
      const { here, there } = two;
      const { session, server } = here.must<Placement>(join("ann"));
      here.agentOf(server.id).join(server.id, session.id, 1, here.nowMs);
      here.run().must(DRAIN);
      const [transfer] = here.transfers.splice(0);
      if (!transfer) throw new Error("nothing was asked");
      if (step !== "asked") there.must({ type: "takeIn", ...transfer.arrival });
      // It told those who follow; that the old seat goes back never reached the agent.
      if (step === "told")
        here.give({
          type: "transferred",
          transferId: transfer.transferId,
          result: there.call({ type: "takeIn", ...transfer.arrival }) as never,
        });
      here.restart();
      here.run();
      two.advance(3000);
      expect(here.must<Session[]>(sessions)).toEqual([]);
      expect(there.must<Session[]>(sessions)).toMatchObject([{ playerId: "ann", generation: 2 }]);
    },
  );

  it("knows that a drain was undone, also from a node that had not heard", () => {
    const two = new TwoRegions();
    const { here } = two;
    here.must(DRAIN);
    here.cut("n1");
    here.must(UNDRAIN);
    here.connect("n1");
    here.run();
    here.restart();
    here.run();
    expect(code(here.call(join("ann")))).toBe("ok");
    expect(here.agent("n1").drain?.on).toBe(false);
  });

  it("outdates what an agent that was away still knows of a drain, where it is told that there is none", () => {
    const two = new TwoRegions();
    const { here } = two;
    here.cut("n2");
    here.must(DRAIN);
    here.cut("n1");
    here.connect("n2");
    here.restart();
    here.cut("n1");
    here.run().advance(6000);
    here.must(UNDRAIN);
    here.connect("n1");
    here.run();
    expect(region(two)).toBeNull();
    expect(here.agent("n1").drain?.on).toBe(false);
  });

  it("does not bring back, leading again, what it was asked for when others led already", () => {
    const { here } = new TwoRegions();
    here.usurp([]);
    const asked = here.ask(DRAIN);
    here.give({ type: "leadership", leader: false, epoch: 0 });
    expect(code(here.reply(asked))).toBe("notLeader");
    here.lead();
    here.give({ type: "engineList", servers: here.engine.list() });
    here.run();
    expect(code(here.call(join("ann")))).toBe("ok");
    expect(here.agent("n1").drain).toBeUndefined();
  });
});

it("leaves a world's players with their world", () => {
  const two = new TwoRegions({ kind: "world" });
  two.here.must(join("ann"));
  two.here.must(DRAIN);
  two.advance(3000);
  expect(two.here.must<Session[]>(sessions)).toHaveLength(1);
  expect(two.here.eventTypes()).toContain("region.drained");
});

it("gives a seat back again where the agent's disk was full", () => {
  const two = new TwoRegions();
  const { here } = two;
  const { session, server } = here.must<Placement>(join("ann"));
  const agent = here.agentOf(server.id);
  agent.join(server.id, session.id, 1, here.nowMs);
  here.run();
  agent.diskFull = true;
  here.must(DRAIN);
  two.advance(3000);
  expect(agent.servers.get(server.id)?.seats.size).toBe(1);
  agent.diskFull = false;
  two.advance(2000);
  expect(agent.servers.get(server.id)?.seats.size).toBe(0);
});

it("sends a player who has gone there already to the seat that they have, with a ticket for it", () => {
  const two = new TwoRegions();
  const { here, there } = two;
  const ann = here.must<Placement>(join("ann"));
  const already = there.must<Placement>(join("ann"));
  here.must(DRAIN);
  two.advance(1000);
  const sessionId = ann.session.id;
  const told = here.must<FollowResult>({ type: "followSession", sessionId, afterGeneration: 1, untilMs: here.nowMs });
  expect(told).toMatchObject({ session: { id: already.session.id }, server: { id: already.server.id } });
  expect(told.ticket).toBeTruthy();
});
