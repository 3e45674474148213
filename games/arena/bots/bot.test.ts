import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import type { FollowOptions, FollowOutcome, Place, PlayerClient } from "eustress-forge-sdk/player";
import { encodeState, type ClientMessage } from "../wire";
import { Bot } from "./bot";
import { seeded } from "./random";
import { Tally } from "./tally";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

/** A double of a game server: welcomes everybody with a score, and ends connections as the test says. */
async function gameDouble(
  id: string,
  answer: { score: number; restoredAgeMs: number | null; end?: number; moved?: boolean },
) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString()) as ClientMessage;
      if (message.type === "leave") socket.close(1000);
      if (message.type !== "join") return;
      const { score, restoredAgeMs } = answer;
      socket.send(
        JSON.stringify({ type: "welcome", playerId: "ann", you: 1, tickHz: 20, score, inputs: 0, restoredAgeMs }),
      );
      socket.send(encodeState({ full: true, tick: 1, moved: [1, 10, 10], scores: [1, score], gone: [] }));
      if (answer.moved) socket.send(JSON.stringify({ type: "moved", final: true, reason: "drained" }));
      if (answer.end !== undefined) socket.close(answer.end);
    });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  open.push({
    close: async () => {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return placeOf(id, (server.address() as AddressInfo).port);
}

function placeOf(id: string, game: number): Place {
  const session = { id: "ses", playerId: "ann", region: "here", generation: 1 } as Place["session"];
  return { session, server: { id, address: "127.0.0.1", ports: { game } }, ticket: "t" };
}

/** A bot whose session is where the test says; leaving is what ends it when the script is over. */
function botWith(outcomes: (FollowOutcome | Error)[]) {
  const tally = new Tally(seeded(1));
  const asked: FollowOptions[] = [];
  const stop = new AbortController();
  let place: Place | undefined;
  let nowMs = 1_000_000;
  const client = {
    get place() {
      return place;
    },
    adopt: (given: Place) => void (place = given),
    gameUrl: () => `ws://127.0.0.1:${place?.server.ports["game"]}`,
    report: async () => undefined,
    leave: async () => undefined,
    follow: async (options: FollowOptions): Promise<FollowOutcome> => {
      asked.push(options);
      const outcome = outcomes.shift();
      if (outcome === undefined) throw new Error("the script is over");
      if (outcome instanceof Error) throw outcome;
      if (outcome.kind === "moved" || outcome.kind === "same") place = outcome.place;
      return outcome;
    },
  } as unknown as PlayerClient;
  const bot = new Bot({
    playerId: "ann",
    homeRegion: "here",
    distanceMs: () => 10,
    client,
    tally,
    random: seeded(1),
    now: () => nowMs,
    log: () => undefined,
  });
  return { bot, tally, asked, stop, pass: (ms: number) => (nowMs += ms) };
}

const ended = (reason: string): FollowOutcome => ({ kind: "ended", reason, session: undefined });

describe("a bot", () => {
  it("is told why its session ended", async () => {
    const { bot, tally, stop } = botWith([ended("no room anywhere")]);
    await bot.play(await gameDouble("a", { score: 5, restoredAgeMs: null, end: 1011 }), stop.signal);
    expect(tally.counts).toMatchObject({ placed: 1, told: 1, lost: 0, moved: 0 });
    expect([...tally.reasons]).toEqual([["ended: no room anywhere", 1]]);
  });

  it.each<[string, FollowOutcome | Error]>([
    ["nobody could say", { kind: "unknown", reason: "no answer" }],
    ["it ended and nobody said why", ended("")],
    ["asking failed", new Error("wrong ticket")],
  ])("is lost where %s", async (_, outcome) => {
    const { bot, tally, stop } = botWith([outcome]);
    await bot.play(await gameDouble("a", { score: 5, restoredAgeMs: null, end: 1011 }), stop.signal);
    expect(tally.counts).toMatchObject({ placed: 1, told: 0, lost: 1 });
  });

  it("is lost when 30 s are over without its playing again, however often it is told to come back", async () => {
    const dead = placeOf("a", 9);
    const { bot, tally, asked, stop, pass } = botWith(
      Array.from({ length: 9 }, () => ({ kind: "same" as const, place: dead })),
    );
    const follow = asked.push.bind(asked);
    asked.push = (options) => {
      pass(8_000);
      return follow(options);
    };
    await bot.play(await gameDouble("a", { score: 0, restoredAgeMs: null, end: 1011 }), stop.signal);
    expect(asked.map(({ forMs }) => forMs)).toEqual([30_000, 22_000, 14_000, 6_000]);
    expect(tally.counts).toMatchObject({ lost: 1, moved: 0, reconnected: 0 });
  });

  it("that has a place and never gets in is lost too", async () => {
    const { bot, tally, stop } = botWith([{ kind: "unknown", reason: "no answer" }]);
    await bot.play(placeOf("a", 9), stop.signal);
    expect(tally.counts).toMatchObject({ placed: 1, lost: 1 });
  });

  it("moves, says to Forge that it was told so, and counts that its score came along", async () => {
    const next = await gameDouble("b", { score: 5, restoredAgeMs: 2_000, end: 1011 });
    const { bot, tally, asked, stop } = botWith([{ kind: "moved", place: next }, ended("over")]);
    await bot.play(await gameDouble("a", { score: 5, restoredAgeMs: null, moved: true }), stop.signal);
    expect(asked[0]).toMatchObject({ moved: true });
    expect(asked[1]).toMatchObject({ moved: false });
    expect(tally.counts).toMatchObject({
      moved: 1,
      restored: 1,
      restoredWrong: 0,
      maxRestoredAgeMs: 2_000,
      wrongStates: 0,
    });
  });

  it.each([
    ["more than it ever had", 50, 0, "restoredWrong"],
    ["less than it had when it was saved", 1, 20_000, "restoredWrong"],
  ])("notices a score that is %s", async (_, score, laterMs, count) => {
    const next = await gameDouble("b", { score, restoredAgeMs: 100, end: 1011 });
    const { bot, tally, asked, stop, pass } = botWith([{ kind: "moved", place: next }, ended("over")]);
    const push = asked.push.bind(asked);
    asked.push = (options) => {
      pass(laterMs);
      return push(options);
    };
    await bot.play(await gameDouble("a", { score: 5, restoredAgeMs: null, moved: true }), stop.signal);
    expect(tally.counts[count as "restoredWrong"]).toBe(1);
    expect(tally.counts.restored).toBe(0);
  });

  it("counts a broken connection to the same server apart from a move", async () => {
    const first = await gameDouble("a", { score: 5, restoredAgeMs: null, end: 1011 });
    const { bot, tally, stop } = botWith([{ kind: "same", place: first }, ended("over")]);
    await bot.play(first, stop.signal);
    expect(tally.counts).toMatchObject({ moved: 0, reconnected: 1, told: 1, lost: 0 });
  });

  it("leaves when it is asked to, and that is no loss", async () => {
    const { bot, tally, stop } = botWith([]);
    const place = await gameDouble("a", { score: 5, restoredAgeMs: null });
    const is = tally.is.bind(tally);
    tally.is = (playerId, doing) => {
      is(playerId, doing);
      if (doing === "playing") setImmediate(() => stop.abort());
    };
    await bot.play(place, stop.signal);
    expect(tally.counts).toMatchObject({ placed: 1, told: 0, lost: 0 });
  });
});
