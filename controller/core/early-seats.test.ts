import type { AgentEvent } from "../../protocol/messages";
import type { Placement, Session } from "./resources";
import { arena, join, sessions } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";

const ON = { serverId: "later", allocationId: "alloc-later", atMs: 0 };

/** A controller that stands by, and whose engine has not told it of one server. */
function standby(): RegionDouble {
  const r = arena({ scaling: { minServers: 1, maxServers: 3 } });
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  return r;
}

function tell(r: RegionDouble, ...events: readonly AgentEvent[]): void {
  r.give({ type: "agent", nodeId: "n1", message: { type: "report", events } });
}

/** As an agent says what another leader was given, by the seats of a server that is known. */
function granted(...players: readonly string[]): AgentEvent {
  const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
  for (const player of players) r.must<Placement>(join(player));
  const [server] = r.agent("n1").snapshot().servers;
  return { kind: "granted", ...ON, epoch: 1, seats: server?.seats ?? [], matchId: undefined };
}

function engineTells(r: RegionDouble): void {
  const [server] = r.engine.list();
  if (!server) throw new Error("nothing runs");
  r.give({ type: "engine", event: { type: "running", server: { ...server, ...ON, nodeId: "n1" } } });
}

const known = (r: RegionDouble): string[] =>
  r.must<Session[]>(sessions).map(({ playerId, state, serverId }) => `${playerId} ${state} ${String(serverId)}`);

const of = (event: AgentEvent, player: string) => {
  const seat = event.kind === "granted" ? event.seats.find(({ playerId }) => playerId === player) : undefined;
  return { sessionId: seat?.sessionId ?? "", generation: seat?.generation ?? 0 };
};

describe("seats that a standby hears of before it knows their server", () => {
  it("are known with it, as they have become meanwhile", () => {
    const r = standby();
    const event = granted("ann", "bob", "cyd");
    tell(r, event);
    tell(r, { kind: "joined", ...ON, ...of(event, "ann") });
    tell(r, { kind: "left", ...ON, ...of(event, "bob"), reason: "left" });
    expect(known(r)).toEqual([]);
    engineTells(r);
    expect(known(r)).toEqual(["ann active later", "cyd reserved later"]);
  });

  it("are the agent's whole word where it tells that first", () => {
    const r = standby();
    tell(r, granted("ann"));
    r.give({ type: "agent", nodeId: "n1", message: r.agent("n1").snapshot() });
    engineTells(r);
    expect(known(r)).toEqual([]);
  });

  it("are forgotten a minute later, where nobody else knows the server", () => {
    const r = standby();
    tell(r, granted("ann"));
    r.advance(61_000);
    engineTells(r);
    expect(known(r)).toEqual([]);
  });
});
