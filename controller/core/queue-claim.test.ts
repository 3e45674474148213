import type { Waiting } from "./decision";
import type { Placement, QueueEntry, Server, Session } from "./resources";
import { arena, code, join } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";

const full = () =>
  arena({ maxPlayers: 1, scaling: { minServers: 1, maxServers: 1 }, routing: { queueDeadlineSecs: 60 } });
const wait = (r: RegionDouble, { queueTicket, claim }: Waiting): number =>
  r.ask({ type: "waitQueue", queueTicket, claim, untilMs: r.nowMs + 25_000 });
const line = (r: RegionDouble): string[] => r.must<QueueEntry[]>({ type: "listQueue" }).map(({ playerId }) => playerId);
/** A new controller that knows nothing, once it has heard of all seats. */
function takeover(r: RegionDouble): void {
  r.restart();
  r.run();
}

it("keeps its place through a takeover, whoever comes back first", () => {
  const r = full();
  const holder = r.must<Placement>(join("holder"));
  const [ann, bob, cyd] = ["ann", "bob", "cyd"].map((player) => {
    r.advance(10);
    return r.must<Waiting>(join(player));
  });
  if (!ann || !bob || !cyd) throw new Error("nobody waits");
  takeover(r);
  expect(line(r)).toEqual([]);
  r.advance(10);
  r.must(join("late"));
  const cyds = wait(r, cyd);
  wait(r, ann);
  wait(r, bob);
  expect(line(r)).toEqual(["ann", "bob", "cyd", "late"]);
  expect(r.must<Session>({ type: "getSession", sessionId: ann.sessionId })).toMatchObject({
    state: "queued",
    reason: "no server has room",
  });
  r.must({ type: "endSession", sessionId: holder.session.id, reason: "left" });
  r.run();
  expect(line(r)).toEqual(["bob", "cyd", "late"]);
  // It is the same session, and the same deadline.
  const known = r.must<Waiting>({ type: "waitQueue", queueTicket: cyd.queueTicket, untilMs: r.nowMs });
  expect(known).toMatchObject({ sessionId: cyd.sessionId, deadlineAt: cyd.deadlineAt, position: 2 });
  expect(r.replies.has(cyds)).toBe(false);
});

it("is placed by the ticket that an earlier leader gave, each member of a party for themselves", () => {
  const r = arena({ maxPlayers: 2, scaling: { minServers: 1, maxServers: 1 } });
  const holder = r.must<Placement>(join("holder"));
  const ann = r.must<Waiting>(join("ann", { party: ["bob"] }));
  const bob = r.must<Waiting>(join("bob"));
  takeover(r);
  const asked = [wait(r, bob), wait(r, ann)];
  r.must({ type: "endSession", sessionId: holder.session.id, reason: "left" });
  r.run();
  const placed = asked.map((id) => {
    const result = r.reply(id);
    return result.ok ? (result.value as Placement).session : undefined;
  });
  expect(placed.map((session) => session?.playerId)).toEqual(["bob", "ann"]);
  expect(placed.map((session) => session?.id)).toEqual([bob.sessionId, ann.sessionId]);
  expect(placed[0]?.serverId).toBe(placed[1]?.serverId);
});

it("waits on through a takeover after the first of its party has left, whose ticket is nobody's", () => {
  const r = arena({ maxPlayers: 2, scaling: { minServers: 1, maxServers: 1 }, routing: { queueDeadlineSecs: 60 } });
  const holder = r.must<Placement>(join("holder", { party: ["another"] }));
  const ann = r.must<Waiting>(join("ann", { party: ["bob"] }));
  r.must<Waiting>(join("bob"));
  r.must({ type: "endSession", sessionId: ann.sessionId, reason: "left" });
  const bob = r.must<Waiting>(join("bob"));
  takeover(r);
  const asked = wait(r, bob);
  expect(code(r.call({ type: "waitQueue", queueTicket: ann.queueTicket, untilMs: r.nowMs }))).toBe("conflict");
  r.must({ type: "endSession", sessionId: holder.session.id, reason: "left" });
  r.run();
  expect(r.reply(asked)).toMatchObject({ ok: true, value: { session: { id: bob.sessionId, playerId: "bob" } } });
});

it("answers with the seat that the earlier leader found meanwhile", () => {
  const r = full();
  const holder = r.must<Placement>(join("holder"));
  const ann = r.must<Waiting>(join("ann"));
  r.must({ type: "endSession", sessionId: holder.session.id, reason: "left" });
  r.run();
  takeover(r);
  const asked = wait(r, ann);
  r.run();
  const result = r.reply(asked);
  expect(result.ok && (result.value as Placement).session).toMatchObject({ id: ann.sessionId, state: "reserved" });
});

it("is taken up no more once it was placed and played, given up, or is over", () => {
  const r = full();
  const holder = r.must<Placement>(join("holder"));
  const ann = r.must<Waiting>(join("ann"));
  const bob = r.must<Waiting>(join("bob"));
  const cyd = r.must<Waiting>(join("cyd"));
  r.must({ type: "leaveQueue", queueTicket: bob.queueTicket });
  r.must({ type: "endSession", sessionId: holder.session.id, reason: "left" });
  r.run();
  r.must({ type: "endSession", sessionId: ann.sessionId, reason: "left" });
  r.advance(61_000);
  for (const { queueTicket, claim } of [ann, bob, cyd])
    expect(code(r.call({ type: "waitQueue", queueTicket, claim, untilMs: r.nowMs }))).toBe("conflict");
  takeover(r);
  const { queueTicket, claim } = cyd;
  expect(code(r.call({ type: "waitQueue", queueTicket, claim, untilMs: r.nowMs }))).toBe("deadlineExceeded");
});

it("tells how long it may take once some were placed", () => {
  const r = full();
  let holder = r.must<Placement>(join("holder")).session.id;
  const waiting = ["ann", "bob", "cyd", "dan"].map((player) => r.must<Waiting>(join(player)));
  expect(waiting[3]?.estimatedWaitMs).toBeNull();
  for (const next of waiting.slice(0, 2)) {
    r.advance(10_000);
    r.must({ type: "endSession", sessionId: holder, reason: "left" });
    r.run();
    holder = next.sessionId;
  }
  r.advance(10_000);
  const dan = r.must<Waiting>({ type: "waitQueue", queueTicket: waiting[3]?.queueTicket ?? "", untilMs: r.nowMs });
  expect(dan.position).toBe(2);
  expect(dan.estimatedWaitMs).toBe(20_000);
});

it("lets players in from further away the longer they wait", () => {
  const r = arena({ routing: { maxLatencyMs: 50, relaxMsPerSec: 5, relaxToMs: 100 } });
  const near = r.ask(join("near", { latencies: { here: 40 } }));
  const far = r.must<Waiting>(join("far", { latencies: { here: 80 } }));
  const farther = r.must<Waiting>(join("farther", { latencies: { here: 101 } }));
  r.run();
  expect(r.reply(near).ok).toBe(true);
  const asked = wait(r, far);
  r.advance(5900);
  expect(r.replies.has(asked)).toBe(false);
  r.advance(200);
  expect(r.reply(asked).ok).toBe(true);
  const never = wait(r, farther);
  r.advance(25_000);
  const refused = r.reply(never);
  expect(refused.ok || refused.problem.code).toBe("deadlineExceeded");
});

it("is held to its limit of latency by the next leader too, which gives way from when it began to wait", () => {
  const r = arena({ routing: { maxLatencyMs: 50, relaxMsPerSec: 5, relaxToMs: 100 } });
  const far = r.must<Waiting>(join("far", { latencies: { here: 80 } }));
  r.advance(3000);
  takeover(r);
  const asked = wait(r, far);
  r.advance(2900);
  expect(r.replies.has(asked)).toBe(false);
  r.advance(200);
  expect(r.reply(asked)).toMatchObject({ ok: true, value: { session: { id: far.sessionId } } });
});

it("calls for no more servers under the next leader than under the last, where none that is started would take it", () => {
  const r = arena({ maxPlayers: 1, scaling: { minServers: 1, maxServers: 8, scaleUpCooldownSecs: 1 } });
  const holder = r.must<Placement>(join("holder")).session;
  r.agentOf(holder.serverId ?? "").join(holder.serverId ?? "", holder.id, 1, r.nowMs);
  r.must({ type: "putFleet", experienceId: "arena", version: "2" });
  r.advance(5000);
  const ann = r.must<Waiting>(join("ann", { version: "1", deadlineMs: 300_000 }));
  const count = (): number =>
    r.must<Server[]>({ type: "listServers" }).filter(({ state }) => state !== "terminated").length;
  r.advance(60_000);
  expect(count()).toBe(2);
  takeover(r);
  const asked = wait(r, ann);
  r.advance(20_000);
  expect(count()).toBe(2);
  r.must({ type: "endSession", sessionId: holder.id, reason: "left" });
  r.run();
  expect(r.reply(asked)).toMatchObject({ ok: true, value: { session: { id: ann.sessionId } } });
});

it("keeps the seat that another leader gave it, where an earlier grant of the same seat was never answered", () => {
  const r = arena({ maxPlayers: 2, scaling: { minServers: 1, maxServers: 1 } });
  const asked = r.ask(join("ann"));
  r.cut("n1");
  r.run();
  const reply = r.reply(asked);
  if (!reply.ok) throw new Error(reply.problem.detail);
  const { claim, queueTicket, sessionId } = reply.value as Waiting;
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  r.connect("n1");
  r.run();
  r.usurp([{ type: "waitQueue", queueTicket, claim, untilMs: r.nowMs + 25_000 }]);
  const seats = (): string[] =>
    r
      .agent("n1")
      .snapshot()
      .servers.flatMap((server) => server.seats.map((s) => s.sessionId));
  expect(seats()).toEqual([sessionId]);
  r.lead();
  r.run();
  expect(seats()).toEqual([sessionId]);
});

it("tells the holder of a ticket from before, numbered by member, to ask again; asking again finds the same wait", () => {
  const r = full();
  r.must<Placement>(join("holder"));
  const ann = r.must<Waiting>(join("ann"));
  for (const claim of [undefined, ann.claim])
    for (const type of ["waitQueue", "leaveQueue"] as const) {
      const queueTicket = `${ann.queueTicket}.1`;
      const answer = r.call({ type, queueTicket, untilMs: r.nowMs, ...(claim && { claim }) });
      expect(answer).toMatchObject({
        problem: { code: "unknownQueueTicket", detail: expect.stringContaining("ask for a place again") as string },
      });
    }
  expect(r.must<Waiting>(join("ann"))).toMatchObject({ sessionId: ann.sessionId, queueTicket: ann.queueTicket });
});

it("keeps to the limit of latency after a takeover, which has grown since they came and not anew", () => {
  const routing = { queueDeadlineSecs: 60, maxLatencyMs: 50, relaxMsPerSec: 5 };
  const r = arena({ scaling: { minServers: 1 }, routing });
  const ann = r.must<Waiting>(join("ann", { latencies: { here: 120 } }));
  expect(ann.reason).toBe("120 ms to here are above the limit of 50 ms, which grows by 5 ms a second");
  r.advance(5_000);
  takeover(r);
  const asked = wait(r, ann);
  r.run();
  expect(line(r)).toEqual(["ann"]);
  expect(r.must<Session>({ type: "getSession", sessionId: ann.sessionId }).reason).toMatch(
    /^120 ms to here are above the limit of \d+ ms, which grows/,
  );
  // 70 ms more than the limit, at 5 ms a second, are 14 s from when she came.
  r.advance(8_000);
  expect(line(r)).toEqual(["ann"]);
  r.advance(1_500);
  expect(line(r)).toEqual([]);
  expect(r.reply(asked)).toMatchObject({ ok: true });
});
