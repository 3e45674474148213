import type { Placement, Server, Session } from "./resources";
import { arena, join, servers } from "./testing/ask";
import { playing } from "./testing/failing-node";
import type { RegionDouble } from "./testing/region-double";

/**
 * A player has been moved, and the release of the old seat is owed: its agent was cut off before it heard of it. That is written
 * down nowhere but in the two agents' journals, as two seats of one session, and comes out by their generations.
 */
function moved() {
  const r = arena({ scaling: { minServers: 2, maxServers: 2 } }, ["n1", "n2"]);
  const { server, session } = playing(r, "ann");
  const from = r.agentOf(server.id).nodeId;
  const there = r.must<Server[]>(servers).find(({ id }) => id !== server.id);
  const to = r.agentOf(there?.id ?? "").nodeId;
  r.ask({ type: "terminateServer", serverId: server.id, drainSecs: 0, force: false, reason: "a test" });
  const channels = r.channels().filter((channel) => channel !== "engine");
  const owed = () => r.link(from).toAgent.some(({ body }) => body.kind === "release");
  while (!owed()) if (!channels.some((channel) => r.deliver(channel))) throw new Error("nobody is moved");
  r.cut(from);
  r.run();
  expect(seats(r, from)).toEqual([`${session.id} 1`]);
  expect(seats(r, to)).toEqual([`${session.id} 2`]);
  return { r, from, to, session, serverId: there?.id };
}
/** Seats as the node's agent has them: session and generation. */
const seats = (r: RegionDouble, nodeId: string): string[] =>
  r
    .agent(nodeId)
    .snapshot()
    .servers.flatMap((server) => server.seats.map((seat) => `${seat.sessionId} ${String(seat.generation)}`));

const FALLS: readonly [string, (r: RegionDouble) => void][] = [
  ["another leads", (r) => r.restart()],
  [
    "it leads again",
    (r) => {
      r.give({ type: "leadership", leader: false, epoch: r.epoch });
      r.lead();
      r.give({ type: "engineList", servers: r.engine.list() });
    },
  ],
];

/** Who is cut off as the leader falls comes back once the next one has waited for it. */
function comeBack(r: RegionDouble, nodes: readonly string[], late: string | undefined): void {
  if (late !== undefined) r.cut(late);
  for (const nodeId of nodes) if (nodeId !== late && !r.link(nodeId).connected) r.connect(nodeId);
  r.run();
  r.advance(6000);
  if (late !== undefined) r.connect(late);
  r.run();
  r.advance(1000);
}

describe.each(FALLS)("the leader falls with the release of a moved player's old seat owed, and %s", (_, fall) => {
  it.each(["nobody", "the old node"])("the old seat goes and the new one stays; late comes %s", (late) => {
    const { r, from, to, session, serverId } = moved();
    fall(r);
    comeBack(r, [from, to], late === "nobody" ? undefined : from);
    expect(seats(r, from)).toEqual([]);
    expect(seats(r, to)).toEqual([`${session.id} 2`]);
    expect(r.must<Session>({ type: "getSession", sessionId: session.id })).toMatchObject({ serverId, generation: 2 });
    // Asked again, the player is told of that one too.
    expect(r.must<Placement>(join("ann")).server.id).toBe(serverId);
  });

  it("there is one seat in the end, which is told, where the new node comes late: nobody else knew of it", () => {
    const { r, from, to, session } = moved();
    fall(r);
    comeBack(r, [from, to], to);
    const { server } = r.must<Placement>(join("ann"));
    expect([...seats(r, from), ...seats(r, to)]).toEqual([`${session.id} 2`]);
    expect(seats(r, r.agentOf(server.id).nodeId)).toEqual([`${session.id} 2`]);
  });
});
