import {
  FetchDouble,
  placementSample,
  problemSample,
  sessionSample,
  type FetchAnswer,
} from "../../testing/fetch-double";
import { ManualTiming } from "../../testing/manual-timing";
import type { Queued } from "../resources";
import { PlayerClient } from "./player-client";

const URLS = ["http://one:7700", "http://two:7701/"];
const QUEUED: Queued = {
  queueTicket: "que-here-1",
  estimatedWaitMs: null,
  position: 2,
  sessionId: "ses-here-1",
  deadlineAt: "",
  reason: "all servers are full",
};
const ASK = { playerId: "ann", experienceId: "arena" };

type Script = (FetchAnswer | "away")[];

/** A client whose calls get these answers, one after the other; the last goes on. */
function setUp(script: Script, token: string | undefined = "token") {
  const answers = [...script];
  const double = new FetchDouble(() => (answers.length > 1 ? answers.shift() : answers[0]) ?? {});
  const timing = new ManualTiming();
  const client = new PlayerClient({ url: URLS, timing, fetch: double.fetch, ...(token === "" ? {} : { token }) });
  return { client, double, timing };
}

async function connected(script: Script, token?: string) {
  const all = setUp([{ body: placementSample() }, ...script], token);
  await all.client.connect(ASK);
  all.double.calls.splice(0);
  return all;
}

const moved = { body: placementSample({ generation: 2, serverId: "srv-here-2" }) };

describe("connect", () => {
  it("asks once and holds the place", async () => {
    const { client, double } = setUp([{ body: placementSample() }]);
    const placement = await client.connect({ ...ASK, latencies: { here: 12 }, party: ["ben"] });
    expect(placement).toEqual(placementSample());
    expect(client.place).toEqual(placementSample());
    expect(client.gameUrl()).toBe("ws://10.0.0.1:7001");
    expect(double.calls).toEqual([
      expect.objectContaining({
        method: "POST",
        path: "/v1/sessions",
        body: { ...ASK, latencies: { here: 12 }, party: ["ben"] },
      }),
    ]);
    expect(double.calls[0]?.headers).toMatchObject({
      authorization: "Bearer token",
      "idempotency-key": expect.stringMatching(/.{16}/),
    });
  });

  it("asks for its token with each attempt, and once more at a 401", async () => {
    const tokens = ["first", "second", "third"];
    const double = new FetchDouble(({ headers }) => {
      if (headers["authorization"] === "Bearer first") return "away";
      return headers["authorization"] === "Bearer third"
        ? { body: placementSample() }
        : problemSample(401, "tokenExpired");
    });
    const token = () => tokens.shift() ?? "none";
    const client = new PlayerClient({ url: URLS, token, fetch: double.fetch, timing: new ManualTiming() });
    await expect(client.connect(ASK)).resolves.toEqual(placementSample());
    expect(double.calls).toHaveLength(3);
  });

  it("waits in the queue and tells of it", async () => {
    const { client, double } = setUp([
      { status: 202, body: QUEUED },
      { status: 202, body: { ...QUEUED, position: 1 } },
      { body: placementSample() },
    ]);
    const positions: number[] = [];
    await client.connect({ ...ASK, onQueued: ({ position }) => positions.push(position) });
    expect(positions).toEqual([2, 1]);
    expect(double.asked).toEqual([
      "POST /v1/sessions",
      "GET /v1/queue/que-here-1?wait=25",
      "GET /v1/queue/que-here-1?wait=25",
    ]);
  });

  it("asks again from the start where the queue was forgotten", async () => {
    const { client, double } = setUp([
      { status: 202, body: QUEUED },
      problemSample(404, "unknownQueueTicket"),
      { body: placementSample() },
    ]);
    await client.connect(ASK);
    expect(double.asked).toEqual(["POST /v1/sessions", "GET /v1/queue/que-here-1?wait=25", "POST /v1/sessions"]);
    expect(double.calls[2]?.headers["idempotency-key"]).not.toBe(double.calls[0]?.headers["idempotency-key"]);
  });

  it("does so only so often", async () => {
    const double = new FetchDouble(({ method }) =>
      method === "POST" ? { status: 202, body: QUEUED } : problemSample(404, "unknownQueueTicket"),
    );
    const client = new PlayerClient({ url: URLS, token: "t", fetch: double.fetch, timing: new ManualTiming() });
    await expect(client.connect(ASK)).rejects.toMatchObject({ code: "unknownQueueTicket" });
    expect(double.calls.filter(({ method }) => method === "POST")).toHaveLength(6);
  });

  it("leaves the queue when the player does not want to wait any more", async () => {
    const controller = new AbortController();
    const double = new FetchDouble(({ method, signal }) => {
      if (method === "POST") return { status: 202, body: QUEUED };
      if (method === "DELETE") return {};
      return new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason as Error));
        controller.abort(new Error("no patience"));
      });
    });
    const client = new PlayerClient({ url: URLS, token: "t", fetch: double.fetch, timing: new ManualTiming() });
    await expect(client.connect({ ...ASK, signal: controller.signal })).rejects.toThrow("no patience");
    expect(double.asked.at(-1)).toBe("DELETE /v1/queue/que-here-1");
    expect(client.place).toBeUndefined();
  });

  it("goes on at the next controller with the same key while one is away", async () => {
    const { client, double } = setUp(["away", problemSample(503, "closing"), { body: placementSample() }]);
    await client.connect(ASK);
    expect(double.calls.map(({ host }) => host)).toEqual(["one:7700", "two:7701", "one:7700"]);
    expect(new Set(double.calls.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  });

  it("gives up when nobody answered for long enough", async () => {
    const { client, timing } = setUp(["away"]);
    const startedAt = timing.now();
    await expect(client.connect(ASK)).rejects.toThrow(/POST \/v1\/sessions at .*: no answer: ECONNREFUSED/);
    expect(timing.now() - startedAt).toBeLessThanOrEqual(20_000);
  });

  it.each(["queueFull", "noCapacity", "deadlineExceeded"])(
    "passes on at once that there is no room: %s",
    async (code) => {
      const { client, double } = setUp([problemSample(503, code, "no room", true)]);
      await expect(client.connect(ASK)).rejects.toMatchObject({ code, detail: "no room" });
      expect(double.calls).toHaveLength(1);
    },
  );

  it.each([
    [502, "startFailed", "its program is missing"],
    [422, "partyTooLarge", "a party of 5 is larger than any server of arena (4 seats)"],
  ])("does not ask again what the answer calls useless to repeat: %i %s", async (status, code, detail) => {
    const { client, double } = setUp([problemSample(status, code, detail, false)]);
    await expect(client.connect(ASK)).rejects.toMatchObject({ code, detail });
    expect(double.calls).toHaveLength(1);
  });
});

describe("follow", () => {
  it("finds the new place with the old ticket", async () => {
    const { client, double } = await connected([moved]);
    await expect(client.follow({ moved: true })).resolves.toEqual({ kind: "moved", place: moved.body });
    expect(double.asked).toEqual(["GET /v1/sessions/ses-here-1?wait=25"]);
    expect(double.calls[0]?.headers["authorization"]).toBe("Ticket ticket of generation 1");
    expect(client.place).toEqual(moved.body);
  });

  it("asks shortly first when only the connection broke, and says where the seat still is", async () => {
    const { client, double } = await connected([{ body: { ...placementSample(), ticket: "fresh" } }]);
    await expect(client.follow()).resolves.toEqual({ kind: "same", place: { ...placementSample(), ticket: "fresh" } });
    expect(double.asked).toEqual(["GET /v1/sessions/ses-here-1?wait=2"]);
  });

  it("goes on asking while the session migrates", async () => {
    const migrating = {
      body: { session: sessionSample({ state: "migrating", generation: 2 }), server: null, ticket: null },
    };
    const { client, double } = await connected([migrating, migrating, moved]);
    await expect(client.follow()).resolves.toMatchObject({ kind: "moved" });
    expect(double.calls).toHaveLength(3);
  });

  it("does not take the old place where the server said that it is not that any more", async () => {
    const { client, double } = await connected([{ body: placementSample() }, moved]);
    await expect(client.follow({ moved: true })).resolves.toMatchObject({ kind: "moved" });
    expect(double.calls).toHaveLength(2);
  });

  it("goes to another server also where the generation is the same: two leaders have moved the player", async () => {
    const elsewhere = { body: placementSample({ generation: 1, serverId: "srv-here-2" }) };
    const { client } = await connected([elsewhere]);
    await expect(client.follow({ moved: true })).resolves.toEqual({ kind: "moved", place: elsewhere.body });
  });

  it("goes where another region has taken the player in, under another session", async () => {
    const taken = { body: placementSample({ id: "ses-there-1", region: "there" }) };
    const { client } = await connected([taken]);
    await expect(client.follow({ moved: true })).resolves.toEqual({ kind: "moved", place: taken.body });
  });

  it("says why a session ended", async () => {
    const ended = sessionSample({ state: "ended", reason: "no server has room" });
    const { client } = await connected([{ body: { session: ended, server: null, ticket: null } }]);
    await expect(client.follow()).resolves.toEqual({ kind: "ended", reason: "no server has room", session: ended });
    expect(client.place).toBeUndefined();
  });

  it("gives a controller that just started time to learn of the session", async () => {
    const { client } = await connected([
      problemSample(404, "unknownSession"),
      problemSample(404, "unknownSession"),
      moved,
    ]);
    await expect(client.follow()).resolves.toMatchObject({ kind: "moved" });
  });

  it("takes it as ended when the session stays unknown", async () => {
    const { client } = await connected([problemSample(404, "unknownSession", "No such session")]);
    await expect(client.follow()).resolves.toEqual({ kind: "ended", reason: "No such session", session: undefined });
  });

  it.each<[string, FetchAnswer | "away"]>([
    ["away", "away"],
    ["failing", problemSample(500, "internal")],
    ["late", problemSample(504, "deadlineExceeded")],
  ])("tries every controller while they are %s, and is back when one answers", async (_, trouble) => {
    const { client, double } = await connected([trouble, trouble, trouble, moved]);
    await expect(client.follow({ moved: true })).resolves.toMatchObject({ kind: "moved" });
    expect(double.calls).toHaveLength(4);
    if (trouble === "away") expect(new Set(double.calls.map(({ host }) => host)).size).toBe(2);
  });

  it("ends in time", async () => {
    const { client, timing } = await connected([{ body: placementSample() }]);
    const startedAt = timing.now();
    await expect(client.follow({ moved: true, forMs: 5_000 })).resolves.toEqual({
      kind: "unknown",
      reason: "the seat did not move in time",
    });
    expect(timing.now() - startedAt).toBeLessThan(6_000);
  });

  it("throws what is the caller's own fault", async () => {
    const { client } = await connected([problemSample(401, "ticketSignature")]);
    await expect(client.follow()).rejects.toMatchObject({ code: "ticketSignature" });
    const { client: unplaced } = setUp([]);
    await expect(unplaced.follow()).rejects.toThrow("call connect first");
  });
});

describe("report and leave", () => {
  it("say how the game feels, and that it is over", async () => {
    const { client, double } = await connected([{}]);
    await client.report({ latencyMs: 31, packetLoss: 0.01 });
    await client.leave();
    await client.leave();
    expect(double.asked).toEqual(["PATCH /v1/sessions/ses-here-1", "DELETE /v1/sessions/ses-here-1?reason=left"]);
    expect(double.calls[0]?.body).toEqual({
      latencyMs: 31,
      packetLoss: 0.01,
      lastActivity: expect.stringMatching(/Z$/),
    });
    expect(client.place).toBeUndefined();
  });

  // A token lives an hour at most, a game may take longer.
  it.each([
    ["without a token", ""],
    ["with one, which may have run out", "token"],
  ])("show the ticket, %s", async (_, token) => {
    const { client, double } = await connected([{}], token);
    await client.report({ latencyMs: 31 });
    await client.leave();
    expect(double.calls.map(({ headers }) => headers["authorization"])).toEqual(
      Array(2).fill("Ticket ticket of generation 1"),
    );
  });

  it.each([404, 410])("mind no session that is gone already: %i", async (status) => {
    const { client } = await connected([problemSample(status, "unknownSession")]);
    await expect(client.leave()).resolves.toBeUndefined();
    expect(client.place).toBeUndefined();
  });

  it("keep the place where leaving failed, so that it can be tried again", async () => {
    const { client, double } = await connected([problemSample(500, "internal"), {}]);
    await expect(client.leave()).rejects.toMatchObject({ code: "internal" });
    expect(client.place).toEqual(placementSample());
    await client.leave();
    expect(double.asked).toEqual(Array(2).fill("DELETE /v1/sessions/ses-here-1?reason=left"));
    expect(client.place).toBeUndefined();
  });

  it("forget no place that came while the old one was left", async () => {
    const answered: (() => void)[] = [];
    const double = new FetchDouble(({ method }) =>
      method === "DELETE"
        ? new Promise((resolve) => answered.push(() => resolve({})))
        : { body: placementSample({ id: "ses-here-2" }) },
    );
    const client = new PlayerClient({ url: URLS, token: "t", fetch: double.fetch, timing: new ManualTiming() });
    client.adopt(placementSample());
    const leaving = client.leave();
    await client.connect(ASK);
    answered[0]?.();
    await leaving;
    expect(client.place).toEqual(placementSample({ id: "ses-here-2" }));
  });
});

describe("latencies", () => {
  it("are measured to every region that answers, whose controllers are then known", async () => {
    const double = new FetchDouble(({ path, host }) => {
      if (path === "/v1/regions") {
        const regions = { a: "http://a:1", b: "http://b:1", c: null };
        return { body: { items: Object.entries(regions).map(([name, url]) => ({ name, url })), next: null } };
      }
      return host === "b:1" ? "away" : {};
    });
    const client = new PlayerClient({ url: "http://a:1", token: "t", fetch: double.fetch, timing: new ManualTiming() });
    await expect(client.measureLatencies()).resolves.toEqual({ a: 0 });
    expect(double.asked.filter((call) => call === "GET /health")).toHaveLength(6);
  });

  it("are measured at a region's ping service where it tells of one", async () => {
    const items = [{ name: "a", url: "http://a:1", ping: { http: "http://ping-a:7400/", udp: "ping-a:7400" } }];
    const double = new FetchDouble(({ path }) => (path === "/v1/regions" ? { body: { items, next: null } } : {}));
    const client = new PlayerClient({ url: "http://a:1", token: "t", fetch: double.fetch, timing: new ManualTiming() });
    await expect(client.measureLatencies()).resolves.toEqual({ a: 0 });
    expect(double.asked).toEqual(["GET /v1/regions", "GET /", "GET /", "GET /"]);
  });
});

it("names the ports that there are", async () => {
  const { client } = await connected([{}]);
  expect(() => client.gameUrl("voice")).toThrow('server srv-here-1 has no port "voice": it has game');
});

it("refuses what is no controller's address", () => {
  expect(() => new PlayerClient({ url: "localhost:7700" })).toThrow('"localhost:7700" is no URL of a controller');
  expect(() => new PlayerClient({ url: [] })).toThrow("no controller's URL was given");
});
