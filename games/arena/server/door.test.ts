import type { WebSocket } from "ws";
import type { Admission } from "eustress-forge-sdk/server";
import { checkTicket, readTicket } from "eustress-forge-sdk/server";
import { createHmac } from "node:crypto";
import { EventEmitter } from "node:events";
import { seeded } from "../bots/random";
import { Door, type Seating } from "./door";
import { Match } from "./match";
import { PlayerConnection } from "./player-connection";

const KEY = "key";

function ticket(playerId: string, { generation = 1, expiresAtMs = 2_000 } = {}): string {
  const claims = { s: `session-${playerId}`, p: playerId, v: "v", a: "a", g: generation, e: expiresAtMs };
  const body = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `${body}.${createHmac("sha256", KEY).update(body).digest("base64url")}`;
}

/** A double of a WebSocket that remembers what was sent. */
class SocketDouble extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: { readonly type: string }[] = [];
  closed: number | undefined;
  send(data: string): void {
    this.sent.push(JSON.parse(data) as { type: string });
  }
  close(code: number): void {
    this.closed = code;
    this.readyState = 3;
  }
}

function setUp() {
  let nowMs = 1_000;
  const asked: string[] = [];
  const left: string[] = [];
  const timers: { readonly ms: number; readonly run: () => void }[] = [];
  const answers: Partial<Record<string, Admission | Error>> = {};
  const forge: Seating = {
    checkTicket: (text) => checkTicket(KEY, text, nowMs),
    playerJoined: async (text) => {
      const { playerId, sessionId, generation } = readTicket(text) ?? { playerId: "", sessionId: "", generation: 0 };
      asked.push(playerId);
      const answer = answers[playerId];
      if (answer instanceof Error) throw answer;
      return answer ?? { admitted: true, playerId, sessionId, generation, restore: null };
    },
    playerLeft: async (playerId) => void left.push(playerId),
  };
  const match = new Match(seeded(1));
  const after = (ms: number, run: () => void): (() => void) => {
    const timer = { ms, run };
    timers.push(timer);
    return () => void timers.splice(timers.indexOf(timer), 1);
  };
  const door = new Door(forge, match, after, () => undefined);
  const connect = () => {
    const socket = new SocketDouble();
    const events = {
      onJoin: () => undefined,
      onInput: () => undefined,
      onLeave: () => undefined,
      onClose: () => undefined,
    };
    const connection = new PlayerConnection(socket as unknown as WebSocket, events, () => nowMs);
    return { socket, connection, join: (text: string) => door.join(connection, text) };
  };
  return { door, match, connect, asked, left, timers, answers, pass: (ms: number) => (nowMs += ms) };
}

const welcome = (over: object = {}): unknown =>
  expect.objectContaining({ type: "welcome", score: 0, restoredAgeMs: null, ...over });

describe("the door", () => {
  it("lets in whom Forge admits, with the state that came along", async () => {
    const { connect, answers, match } = setUp();
    const restore = { data: '{"x":1,"y":2,"score":30,"inputs":4}', ageMs: 2_500 };
    answers["ann"] = { admitted: true, playerId: "ann", sessionId: "session-ann", generation: 2, restore };
    const ann = connect();
    const seat = await ann.join(ticket("ann", { generation: 2 }));
    expect(ann.socket.sent).toEqual([welcome({ playerId: "ann", score: 30, inputs: 4, restoredAgeMs: 2_500 })]);
    expect(match.savedPlayer(seat?.entity ?? 0)).toEqual({ x: 1, y: 2, score: 30, inputs: 4 });
  });

  it("starts afresh with a state that nobody can read", async () => {
    const { connect, answers } = setUp();
    const restore = { data: "from the future", ageMs: 1 };
    answers["ann"] = { admitted: true, playerId: "ann", sessionId: "session-ann", generation: 2, restore };
    const ann = connect();
    await ann.join(ticket("ann", { generation: 2 }));
    expect(ann.socket.sent).toEqual([welcome()]);
  });

  it.each([
    ["no ticket", "ticketMalformed"],
    [`${ticket("ann")}x`, "ticketSignature"],
    [ticket("ann", { expiresAtMs: 10 }), "ticketExpired"],
  ])("turns %s away without asking anybody", async (text, code) => {
    const { connect, asked } = setUp();
    const ann = connect();
    await expect(ann.join(text)).resolves.toBeUndefined();
    expect(ann.socket.sent).toEqual([expect.objectContaining({ type: "refused", code })]);
    expect([ann.socket.closed, asked]).toEqual([4003, []]);
  });

  it("passes on why Forge refuses, or that it does not answer", async () => {
    const { connect, answers } = setUp();
    answers["ann"] = { admitted: false, code: "seatGone", detail: "its lease ended" };
    answers["ben"] = new Error("away");
    const [ann, ben] = [connect(), connect()];
    await ann.join(ticket("ann"));
    await ben.join(ticket("ben"));
    expect(ann.socket.sent).toEqual([{ type: "refused", code: "seatGone", detail: "its lease ended" }]);
    expect(ben.socket.sent).toEqual([expect.objectContaining({ type: "refused", code: "unavailable" })]);
  });

  it("keeps the seat of a broken connection for a moment, even when the ticket runs out meanwhile", async () => {
    const { door, connect, asked, left, timers, pass, match } = setUp();
    const [first, second] = [connect(), connect()];
    const seat = await first.join(ticket("ann"));
    if (!seat) throw new Error("not admitted");
    door.gone(first.connection, seat, false);
    expect(timers).toHaveLength(1);
    pass(5_000);
    await expect(second.join(ticket("ann"))).resolves.toBe(seat);
    expect([asked, left, timers, match.players]).toEqual([["ann"], [], [], 1]);
  });

  it("frees the seat of who does not come back, and of who leaves at once", async () => {
    const { door, connect, left, timers, match } = setUp();
    const [ann, ben] = [connect(), connect()];
    const [annsSeat, bensSeat] = [await ann.join(ticket("ann")), await ben.join(ticket("ben"))];
    if (!annsSeat || !bensSeat) throw new Error("not admitted");
    door.gone(ann.connection, annsSeat, false);
    expect(left).toEqual([]);
    timers[0]?.run();
    door.gone(ben.connection, bensSeat, true);
    expect([left, match.players]).toEqual([["ann", "ben"], 0]);
    // The close of the socket comes after the leave.
    door.gone(ben.connection, bensSeat, false);
    expect(left).toEqual(["ann", "ben"]);
  });

  it("does not let a copied ticket in beside its player", async () => {
    const { connect, answers } = setUp();
    const [ann, thief] = [connect(), connect()];
    await ann.join(ticket("ann"));
    answers["ann"] = { admitted: false, code: "ticketReplayed", detail: "" };
    await thief.join(ticket("ann"));
    expect(thief.socket.sent).toEqual([expect.objectContaining({ type: "refused", code: "ticketReplayed" })]);
    expect(ann.socket.closed).toBeUndefined();
  });

  it("sends the moved away and reports nothing of them", async () => {
    const { door, connect, left, match } = setUp();
    const ann = connect();
    const seat = await ann.join(ticket("ann"));
    door.moved(["ann", "nobody"], "drained");
    expect(ann.socket.sent.at(-1)).toEqual({ type: "moved", final: true, reason: "drained" });
    if (seat) door.gone(ann.connection, seat, false);
    expect([ann.socket.closed, left, match.players]).toEqual([4001, [], 0]);
  });

  it("gives a newer generation of the same player the old one's points and place", async () => {
    const { connect, match } = setUp();
    const [old, fresh] = [connect(), connect()];
    const before = await old.join(ticket("ann"));
    match.steer(before?.entity ?? 0, 0, 0);
    const seat = await fresh.join(ticket("ann", { generation: 2 }));
    expect(old.socket.closed).toBe(4009);
    expect(match.savedPlayer(seat?.entity ?? 0)).toMatchObject({ inputs: 1 });
    expect(match.players).toBe(1);
  });
});
