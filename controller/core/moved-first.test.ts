import type { Server, Session } from "./resources";
import { join, servers } from "./testing/ask";
import { playing } from "./testing/failing-node";
import { RegionDouble } from "./testing/region-double";
import { testExperience, testSettings } from "./testing/settings-double";

/** Players who lost their server, where the nodes that are left have not room for all that was lost. */

/** Two nodes: on n1 `ann` plays on the one server of `arena`, and `idle` has a server; on n2 `idle` has another, nobody on either. */
function region(idlePriority = 50): RegionDouble {
  const experience = (id: string, priority: number, minServers: number) =>
    testExperience(id, { maxPlayers: 1, priority, scaling: { minServers, scaleUpCooldownSecs: 0 } });
  const settings = testSettings([experience("idle", idlePriority, 2), experience("arena", 50, 0)]);
  const r = new RegionDouble(settings, ["n1", "n2"]).start();
  r.engine.favourite = "n1";
  r.ask(join("ann"));
  r.run();
  playing(r, "ann");
  r.engine.favourite = "n2";
  expect(running(r)).toEqual(["arena n1", "idle n1", "idle n2"]);
  return r;
}

/** All that runs there ends with it; of servers on the other the engine takes on so many more. */
function loseNode(r: RegionDouble, nodeId: string, more: number): void {
  r.cut(nodeId);
  for (const server of r.engine.list())
    if (server.nodeId === nodeId)
      r.engine.end(server.serverId, { exitCode: undefined, signal: "SIGKILL", requested: false }, r.nowMs);
  room(r, more);
  r.give({ type: "engine", event: { type: "nodeDown", nodeId, reason: "lost" } });
  r.run();
}

function room(r: RegionDouble, more: number): void {
  r.engine.room = r.engine.list().filter(({ serverId }) => r.engine.running(serverId)).length + more;
}

const running = (r: RegionDouble): string[] =>
  r
    .must<Server[]>(servers)
    .flatMap(({ experienceId, state, nodeId }) => (state === "ready" ? [`${experienceId} ${String(nodeId)}`] : []))
    .sort();
const ann = (r: RegionDouble): Session | undefined =>
  r.must<Session[]>({ type: "findSessions", playerId: "ann" }).find(({ state }) => state !== "ended");

it.each([
  ["of the same priority", 50],
  ["of a higher one", 90],
])("have what room there is before servers that nobody waits for, of an experience %s", (_what, priority) => {
  const r = region(priority);
  loseNode(r, "n1", 1);
  expect(running(r)).toEqual(["arena n2", "idle n2"]);
  expect(ann(r)).toMatchObject({ state: "reserved", generation: 2 });
  r.engine.room++;
  r.advance(3000);
  expect(running(r)).toEqual(["arena n2", "idle n2", "idle n2"]);
});

it("have it also before those that have waited for longer", () => {
  const r = region();
  const [idle] = r.must<Server[]>(servers).filter((server) => server.experienceId === "idle" && server.nodeId === "n1");
  room(r, -1);
  r.kill(idle?.id ?? "");
  r.run().advance(5000);
  expect(running(r)).toEqual(["arena n1", "idle n2"]);
  loseNode(r, "n1", 0);
  r.advance(4100);
  expect(ann(r)).toMatchObject({ state: "migrating" });
  r.engine.room++;
  r.advance(3000);
  expect(running(r)).toEqual(["arena n2", "idle n2"]);
});

it("have the room of a server that ends meanwhile, though it is to be replaced", () => {
  const r = region();
  loseNode(r, "n1", 0);
  const [left] = r.must<Server[]>(servers).filter(({ state }) => state === "ready");
  r.kill(left?.id ?? "");
  r.run();
  r.advance(13_000);
  expect(running(r)).toEqual(["arena n2"]);
  r.engine.room = 3;
  r.advance(3000);
  expect(running(r)).toEqual(["arena n2", "idle n2", "idle n2"]);
});

it("hold nobody up for longer than they are looked a place for: a minute", () => {
  const r = region();
  loseNode(r, "n1", 0);
  const [left] = r.must<Server[]>(servers).filter(({ state }) => state === "ready");
  r.engine.room = 0;
  r.kill(left?.id ?? "");
  r.run().advance(61_000);
  expect(ann(r)).toBeUndefined();
  r.engine.room = 2;
  r.advance(60_000);
  expect(running(r)).toEqual(["idle n2", "idle n2"]);
});
