import { once } from "node:events";
import { type Server, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { Readable } from "node:stream";
import { type ApiUnderTest, apiUnderTest } from "./api-under-test";
import { BackendDouble, refused, serverSample } from "./backend-double";

/** A port that nothing listens on: it was just given back. */
async function deadUrl(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

interface Body {
  readonly code?: string;
  readonly detail?: string;
  readonly info?: unknown;
  readonly items?: readonly { readonly id: string; readonly name?: string; readonly state?: string }[];
  readonly next?: string | null;
  readonly missing?: readonly { readonly region: string; readonly reason: string }[];
}

/** Three regions: `us` and `us-east` are up, on real sockets; `eu` is down. */
describe("calls for other regions", () => {
  let us: ApiUnderTest;
  let east: ApiUnderTest;
  beforeEach(async () => {
    us = apiUnderTest({ backend: new BackendDouble("us") });
    east = apiUnderTest({ backend: new BackendDouble("us-east") });
    const [usUrl, eastUrl] = await Promise.all([us, east].map(({ app }) => app.listen({ host: "127.0.0.1", port: 0 })));
    const eu = { name: "eu", url: await deadUrl(), location: [50, 8] as const };
    us.backend.others = [{ name: "us-east", url: eastUrl, location: undefined }, eu];
    east.backend.others = [{ name: "us", url: usUrl, location: undefined }, eu];
  });
  afterEach(() => Promise.all([us.app.close(), east.app.close()]));

  const session = { playerId: "ann", experienceId: "arena" };

  it.each([
    ["GET", "/v1/servers/srv-us-east-1", undefined, "getServer"],
    ["PATCH", "/v1/servers/srv-us-east-1", { labels: { a: "b" } }, "labelServer"],
    ["DELETE", "/v1/servers/srv-us-east-1?drain=3", undefined, "terminateServer"],
    ["POST", "/v1/servers", { experienceId: "arena", region: "us-east" }, "spawnServer"],
    ["POST", "/v1/servers/srv-us-east-1/sessions", { players: ["a"] }, "routePlayers"],
    ["GET", "/v1/servers?region=us-east&state=ready", undefined, "listServers"],
    ["POST", "/v1/sessions", { ...session, region: "us-east" }, "createSession"],
    ["GET", "/v1/sessions/ses-us-east-1?wait=1", undefined, "followSession"],
    ["GET", "/v1/queue/que-us-east-1", undefined, "waitQueue"],
    [
      "POST",
      "/v1/allocations",
      { experienceId: "arena", matchId: "m", players: [{ playerId: "ann" }], region: "us-east" },
      "allocateMatch",
    ],
    ["PUT", "/v1/fleets/arena?region=us-east", { desired: 2 }, "putFleet"],
    ["POST", "/v1/regions/us-east/drain", undefined, "drainRegion"],
    ["GET", "/v1/regions/us-east/summary", undefined, "getRegion"],
    ["GET", "/v1/decisions/dec-us-east-1", undefined, "getDecision"],
    ["GET", "/v1/decisions/us-east", undefined, "getDecision"],
  ] as const)("are passed on: %s %s", async (method, url, body, asked) => {
    const there = await east.call(method, url, { body });
    const here = await us.call(method, url, {
      body,
      headers: { "x-request-id": "r-7", authorization: us.as("operator", "olga") },
    });
    expect([here.statusCode, here.json()]).toEqual([there.statusCode, there.json()]);
    expect(us.backend.asked).toEqual([]);
    expect(east.backend.asked.at(-1)).toMatchObject({ command: { type: asked }, actor: { sub: "olga" } });
  });

  it("that fail there fail here with the same problem", async () => {
    east.backend.when("getServer", () =>
      refused({ code: "unknownServer", detail: "not in us-east", retryAfterSecs: 9 }),
    );
    const answer = await us.call("GET", "/v1/servers/srv-us-east-2");
    expect([answer.statusCode, answer.headers["content-type"], answer.headers["retry-after"]]).toEqual([
      404,
      "application/problem+json; charset=utf-8",
      "9",
    ]);
    expect(answer.json<Body>()).toMatchObject({ code: "unknownServer", detail: "not in us-east" });
  });

  it.each(["/v1/servers/srv-eu-1", "/v1/servers?region=eu", "/v1/events?region=eu"])(
    "name the region where it does not answer: %s",
    async (url) => {
      const answer = await us.call("GET", url);
      expect([answer.statusCode, answer.headers["retry-after"]]).toEqual([503, "1"]);
      expect(answer.json<Body>()).toMatchObject({ code: "regionUnavailable", info: { region: "eu" } });
    },
  );

  it("are refused where the run has no such region", async () => {
    const answer = await us.call("GET", "/v1/servers?region=mars");
    expect([answer.statusCode, answer.json<Body>().code]).toEqual([404, "unknownRegion"]);
    expect(answer.json<Body>().detail).toContain("us, us-east, eu");
  });

  it("go no further than once", async () => {
    const answer = await us.call("GET", "/v1/servers/srv-us-east-1", { headers: { "forge-forwarded": "1" } });
    expect([answer.statusCode, answer.json<Body>().code]).toEqual([502, "forwardLoop"]);
    const placing = await us.call("POST", "/v1/sessions", {
      body: { ...session, region: "us-east" },
      headers: { "forge-forwarded": "1" },
    });
    expect(placing.json<Body>().code).toBe("forwardLoop");
    expect(east.backend.asked).toEqual([]);
  });

  it("reach a region that does not even speak HTTP as unavailable", async () => {
    const deaf: Server = createServer();
    deaf.on("connection", (socket) => socket.destroy());
    deaf.listen(0, "127.0.0.1");
    await once(deaf, "listening");
    us.backend.others = [
      { name: "deaf", url: `http://127.0.0.1:${(deaf.address() as AddressInfo).port}`, location: undefined },
    ];
    expect((await us.call("GET", "/v1/servers/srv-deaf-1")).json<Body>().code).toBe("regionUnavailable");
    deaf.close();
  });

  describe("of players", () => {
    it("go to the best region, and to the next one where that does not answer", async () => {
      us.backend.preference = ["eu", "us-east", "us"];
      const answer = await us.call("POST", "/v1/sessions", { body: session });
      expect(answer.json()).toMatchObject({ session: { region: "us-east" } });
      expect(us.backend.asks.map(({ exclude }) => exclude)).toEqual([undefined, ["eu"]]);
      expect(us.backend.asked).toEqual([]);
    });

    it("go on where a region does not lead, and come back here last", async () => {
      us.backend.preference = ["us-east", "eu", "us"];
      east.backend.when("createSession", () => refused({ code: "notLeader", detail: "nobody leads us-east" }));
      expect((await us.call("POST", "/v1/sessions", { body: session })).json()).toMatchObject({
        session: { region: "us" },
      });
    });

    it("stay where a region says no for good", async () => {
      us.backend.preference = ["us-east", "us"];
      east.backend.when("createSession", () => refused({ code: "playerElsewhere", detail: "ann plays already" }));
      expect((await us.call("POST", "/v1/sessions", { body: session })).json<Body>().code).toBe("playerElsewhere");
      expect(us.backend.asked).toEqual([]);
    });

    it("end with the last region's problem where none answers", async () => {
      us.backend.preference = ["eu", "us"];
      us.backend.when("createSession", () => refused({ code: "unavailable", detail: "rebuilding" }));
      const answer = await us.call("POST", "/v1/sessions", { body: session });
      expect([answer.statusCode, answer.json<Body>().detail]).toEqual([503, "rebuilding"]);
    });

    it("go nowhere else where they named the region", async () => {
      us.backend.preference = ["us"];
      const answer = await us.call("POST", "/v1/sessions", { body: { ...session, region: "eu" } });
      expect(answer.json<Body>()).toMatchObject({ code: "regionUnavailable", info: { region: "eu" } });
    });

    it("go to no region that their token is not for", async () => {
      us.backend.preference = ["us-east", "us"];
      const place = async (regions: string[], body: object = session): Promise<Body> =>
        (
          await us.call("POST", "/v1/sessions", { body, headers: { authorization: us.as("player", "ann", regions) } })
        ).json<Body>();
      expect(await place(["us"])).toMatchObject({ session: { region: "us" } });
      expect(await place(["mars"])).toMatchObject({ code: "regionNotAllowed" });
      expect(await place(["us"], { ...session, region: "us-east" })).toMatchObject({ code: "regionNotAllowed" });
      expect(east.backend.asked).toEqual([]);
    });

    it("hear from a region that they may ask where none can serve them", async () => {
      us.backend.preference = ["us"];
      east.backend.when("createSession", () => refused({ code: "unknownExperience", detail: "no such thing here" }));
      const authorization = us.as("player", "ann", ["us-east"]);
      const answer = await us.call("POST", "/v1/sessions", { body: session, headers: { authorization } });
      expect(answer.json<Body>()).toMatchObject({ code: "unknownExperience", detail: "no such thing here" });
    });

    it("of a match go elsewhere only where the region was never reached", async () => {
      us.backend.preference = ["eu", "us-east", "us"];
      const match = { experienceId: "arena", matchId: "m", players: [{ playerId: "ann" }] };
      expect((await us.call("POST", "/v1/allocations", { body: match })).json()).toMatchObject({
        server: { region: "us-east" },
      });
      east.backend.when("allocateMatch", () => refused({ code: "unavailable", detail: "perhaps done" }));
      expect((await us.call("POST", "/v1/allocations", { body: match })).json<Body>().detail).toBe("perhaps done");
      expect(us.backend.asked).toEqual([]);
    });
  });

  describe("of all regions", () => {
    it("are lists of all, with a note of those that did not answer", async () => {
      const body = (await us.call("GET", "/v1/servers")).json<Body>();
      expect(body.items?.map(({ id }) => id)).toEqual(["srv-us-1", "srv-us-east-1"]);
      expect(body.next).toBeNull();
      expect(body.missing).toEqual([{ region: "eu", reason: "region eu does not answer: ECONNREFUSED" }]);
    });

    it("are paged in one order", async () => {
      for (const api of [us, east]) {
        const { region } = api.backend;
        const servers = Array.from({ length: 5 }, (_, n) => serverSample({ region, id: `srv-${region}-${n}` }));
        api.backend.when("listServers", () => ({ ok: true, value: servers.toReversed() }));
      }
      const seen: string[][] = [];
      let next: string | null | undefined = "";
      while (next !== null) {
        const body: Body = (await us.call("GET", `/v1/servers?limit=3${next ? `&after=${next}` : ""}`)).json();
        seen.push(body.items?.map(({ id }) => id) ?? []);
        next = body.next;
      }
      expect(seen.map(({ length }) => length)).toEqual([3, 3, 3, 1]);
      expect(seen.flat()).toEqual(
        [0, 1, 2, 3, 4].map((n) => `srv-us-${n}`).concat([0, 1, 2, 3, 4].map((n) => `srv-us-east-${n}`)),
      );
    });

    it("leave out those that the token is not for", async () => {
      const body = (
        await us.call("GET", "/v1/servers", { headers: { authorization: us.as("viewer", "v", ["us-east"]) } })
      ).json<Body>();
      expect(body).toEqual({ items: [expect.objectContaining({ id: "srv-us-east-1" })], next: null });
    });

    it("show a region that does not answer as down", async () => {
      const { items } = (await us.call("GET", "/v1/regions")).json<Body>();
      expect(items?.map(({ name, state }) => [name, state])).toEqual([
        ["us", "up"],
        ["us-east", "up"],
        ["eu", "down"],
      ]);
    });
  });

  it("at a standby go to the leader", async () => {
    const leader = apiUnderTest({ backend: new BackendDouble("us") });
    us.backend.state = {
      leader: false,
      epoch: 4,
      ready: true,
      detail: "standby",
      leaderUrl: await leader.app.listen({ host: "127.0.0.1", port: 0 }),
    };
    expect((await us.call("GET", "/v1/servers/srv-us-1")).statusCode).toBe(200);
    expect((await us.call("POST", "/v1/sessions", { body: session })).statusCode).toBe(200);
    expect([us.backend.asked.length, leader.backend.asked.length]).toEqual([0, 2]);
    await leader.app.close();
  });

  describe("that stream", () => {
    const open = async (path: string, headers: Record<string, string> = {}): Promise<Readable> => {
      const { port } = us.app.server.address() as AddressInfo;
      const call = request({
        host: "127.0.0.1",
        port,
        path,
        headers: { authorization: us.as("viewer"), ...headers },
      }).end();
      const [response] = (await once(call, "response")) as [Readable];
      return response.setEncoding("utf8");
    };
    const until = async (stream: Readable, ...wanted: string[]): Promise<string> => {
      let text = "";
      for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
        text += chunk;
        if (wanted.every((part) => text.includes(part))) return text;
      }
      throw new Error(`the stream ended with ${JSON.stringify(text)}`);
    };
    const drained = (region: string) => ({
      type: "region.draining" as const,
      region,
      at: "2025-01-01T00:00:00.000Z",
      reason: "asked",
    });

    it("are passed on as they come", async () => {
      const stream = await open("/v1/events?region=us-east", { "last-event-id": "1-0" });
      await until(stream, "id: 1-0");
      east.backend.events.append(drained("us-east"));
      expect(await until(stream, "region.draining")).toContain(
        'id: 1-1\nevent: region.draining\ndata: {"type":"region.draining","region":"us-east"',
      );
      stream.destroy();
    });

    it("are logs of another region's server", async () => {
      east.backend.lines = ["over there"];
      expect((await us.call("GET", "/v1/servers/srv-us-east-1/logs")).body).toBe("over there\n");
    });

    it("are the events of all regions in one, resumed as one", async () => {
      const stream = await open("/v1/events?region=*&type=region.*");
      us.backend.events.append(drained("us"));
      await until(stream, '"region":"us"', "event: missing", '"region":"eu"');
      // Its stream is open once its own API counts it.
      let metrics = "";
      while (!metrics.includes('weight="streaming"} 1')) {
        await new Promise(setImmediate);
        metrics = (await east.call("GET", "/metrics")).body;
      }
      east.backend.events.append(drained("us-east"));
      const text = await until(stream, '"region":"us-east"');
      const [lastId = ""] = [...text.matchAll(/^id: (.*)$/gm)].map((match) => match[1] ?? "").slice(-1);
      expect(lastId.split(",").sort()).toEqual(["us-east=1-1", "us=1-1"]);
      stream.destroy();

      us.backend.events.append({ ...drained("us"), reason: "meanwhile" });
      const resumed = await open("/v1/events?region=*&type=region.*", { "last-event-id": lastId });
      expect(await until(resumed, "meanwhile")).not.toContain('"reason":"asked"');
      resumed.destroy();
    });

    it.each([
      ["of which the last id names none", "us=1-0", ["us-east"]],
      ["whose position cannot be read", "us=1-0,us-east=1-x", ["us-east"]],
      ["where the last id is of one region's own stream", "1-0", ["us", "us-east"]],
    ])("say reset for each region %s, and lose nothing of the others", async (_why, lastId, reset) => {
      us.backend.events.append(drained("us"));
      east.backend.events.append(drained("us-east"));
      const stream = await open("/v1/events?region=*", { "last-event-id": lastId });
      const kept = reset.includes("us") ? [] : ['"type":"region.draining","region":"us"'];
      const text = await until(stream, ...reset.map((region) => `event: reset\ndata: {"region":"${region}"`), ...kept);
      expect([...text.matchAll(/event: reset/g)]).toHaveLength(reset.length);
      stream.destroy();
    });

    it("say reset with the region that it is about", async () => {
      const stream = await open("/v1/events?region=*", { "last-event-id": "us=0-3,us-east=1-0" });
      const text = await until(stream, "event: reset");
      expect(text).toContain('event: reset\ndata: {"region":"us","lastEventId":"1-0"');
      stream.destroy();
    });
  });
});
