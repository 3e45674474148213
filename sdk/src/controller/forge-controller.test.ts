import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { FetchDouble, placementSample, problemSample } from "../../testing/fetch-double";
import { ManualTiming } from "../../testing/manual-timing";
import { ForgeApiError, ForgeUnreachableError } from "../errors";
import { ForgeController } from "./forge-controller";

const BASE = { url: "http://one:7700", token: "token" };

function setUp(answer: ConstructorParameters<typeof FetchDouble>[0]) {
  const double = new FetchDouble(answer);
  return { double, forge: new ForgeController({ ...BASE, fetch: double.fetch, timing: new ManualTiming() }) };
}

describe("calls", () => {
  it("carry one idempotency key through all attempts, and another for another call", async () => {
    let away = 2;
    const { double, forge } = setUp(() => (away-- > 0 ? "away" : { status: 201, body: { id: "srv-1" } }));
    const spec = { experienceId: "arena", region: "here" };
    await forge.spawnServer(spec);
    await forge.spawnServer(spec);
    const keys = double.calls.map(({ headers }) => headers["idempotency-key"]);
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(keys[3]).not.toBe(keys[0]);
    expect(double.calls.map(({ body }) => body)).toEqual(Array(4).fill(spec));
  });

  it("wait as long as a busy controller asks, and no longer than their time", async () => {
    const { double, forge } = setUp(() => ({
      ...problemSample(429, "tooManyRequests"),
      headers: { "retry-after": "6" },
    }));
    await expect(forge.getServers()).rejects.toMatchObject({ code: "tooManyRequests", status: 429, retryAfterSecs: 6 });
    expect(double.calls).toHaveLength(3);
  });

  it("throw what the controller said", async () => {
    const { forge } = setUp(() => problemSample(404, "unknownServer", "no server has this id"));
    const error = await forge.terminateServer("srv-9").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ForgeApiError);
    expect(error).toMatchObject({ code: "unknownServer", status: 404, detail: "no server has this id" });
    expect((error as Error).message).toBe("DELETE /v1/servers/srv-9: 404 unknownServer: no server has this id");
  });

  it("make an error of an answer that is no problem document", async () => {
    const fetch = async (): Promise<Response> => new Response("<html>Bad gateway</html>", { status: 400 });
    const forge = new ForgeController({ ...BASE, fetch, timing: new ManualTiming() });
    await expect(forge.getRegions()).rejects.toMatchObject({ code: "http400", detail: "<html>Bad gateway</html>" });
  });

  it("say that nobody answered", async () => {
    const { forge } = setUp(() => "away");
    await expect(forge.getRegions()).rejects.toThrow(ForgeUnreachableError);
  });

  it("read every page of a list", async () => {
    const { double, forge } = setUp(({ path }) =>
      path.includes("after=c1") ? { body: { items: [3], next: null } } : { body: { items: [1, 2], next: "c1" } },
    );
    await expect(forge.getServers("here", { state: "ready" })).resolves.toEqual([1, 2, 3]);
    expect(double.asked).toEqual([
      "GET /v1/servers?region=here&state=ready&limit=1000",
      "GET /v1/servers?region=here&state=ready&limit=1000&after=c1",
    ]);
  });

  it("route one player or several, all or none", async () => {
    const { double, forge } = setUp(() => ({ body: { items: [placementSample()], next: null } }));
    await expect(forge.routePlayer("ann", "srv/1")).resolves.toEqual(placementSample());
    expect(double.calls[0]).toMatchObject({ path: "/v1/servers/srv%2F1/sessions", body: { players: ["ann"] } });
    await forge.routePlayers(["ann"], "srv/1", { clientVersion: "1.5.0" });
    expect(double.calls[1]).toMatchObject({ body: { players: ["ann"], clientVersion: "1.5.0" } });
  });
});

describe("a token", () => {
  const RUN_OUT = problemSample(401, "tokenExpired");
  /** Takes one token at a time. */
  function signedIn(token: () => string | Promise<string>) {
    const state = { good: "one" };
    const double = new FetchDouble(({ headers }) =>
      headers["authorization"] === `Bearer ${state.good}` ? { body: { items: [], next: null } } : RUN_OUT,
    );
    const timing = new ManualTiming();
    return { state, double, forge: new ForgeController({ ...BASE, token, fetch: double.fetch, timing }) };
  }
  const shown = (double: FetchDouble): unknown[] => double.calls.map(({ headers }) => headers["authorization"]);

  it("is asked for with each attempt, so that the next one is taken up", async () => {
    const { state, double, forge } = signedIn(async () => `${state.good}\n`);
    await expect(forge.getServers()).resolves.toEqual([]);
    state.good = "two";
    await expect(forge.getServers()).resolves.toEqual([]);
    expect(shown(double)).toEqual(["Bearer one", "Bearer two"]);
  });

  it("that is refused is asked for once more: it may have been replaced that very moment", async () => {
    const tokens = ["old", "one"];
    const { double, forge } = signedIn(() => tokens.shift() ?? "none");
    await forge.createSession({ playerId: "ann", experienceId: "arena" });
    expect(shown(double)).toEqual(["Bearer old", "Bearer one"]);
    expect(new Set(double.calls.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  });

  it("that is refused and still the same is not shown again", async () => {
    const { double, forge } = signedIn(() => "old");
    await expect(forge.getServers()).rejects.toMatchObject({ code: "tokenExpired" });
    expect(double.calls).toHaveLength(1);
  });

  it("that cannot be had fails the call with what was thrown, and asks nobody", async () => {
    const { double, forge } = signedIn(() => Promise.reject(new Error("ENOENT: /run/forge/token")));
    await expect(forge.getServers()).rejects.toThrow("ENOENT: /run/forge/token");
    expect(double.calls).toHaveLength(0);
  });
});

/** A controller that only tells events, as a test says. */
class EventsDouble {
  readonly streams: ServerResponse[] = [];
  readonly requests: IncomingMessage[] = [];
  private waiting: (() => void)[] = [];

  private constructor(private readonly http: HttpServer) {
    http.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.requests.push(request);
      this.streams.push(response);
      response.writeHead(200, { "content-type": "text/event-stream" }).write("retry: 1000\n\n");
      for (const run of this.waiting.splice(0)) run();
    });
  }

  static async start(): Promise<EventsDouble> {
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    return new EventsDouble(http);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  async stream(number: number): Promise<ServerResponse> {
    while (this.streams[number] === undefined) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.streams[number];
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }
}

const frame = (id: string, event: string, data: object): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

describe("events", () => {
  let double: EventsDouble;
  let forge: ForgeController;
  beforeEach(async () => {
    double = await EventsDouble.start();
    forge = new ForgeController({ ...BASE, url: double.url, timing: new ManualTiming() });
  });
  afterEach(async () => {
    forge.close();
    await double.close();
  });

  const next = <Name extends Parameters<ForgeController["on"]>[0]>(name: Name): Promise<unknown> =>
    new Promise((resolve) => {
      const off = forge.on(name, (event) => {
        off();
        resolve(event);
      });
    });

  it("come typed by name, and all of them as `event`", async () => {
    const spawned = next("serverSpawned");
    const any = next("event");
    const stream = await double.stream(0);
    const event = {
      type: "server.spawned",
      region: "here",
      at: "",
      reason: "asked",
      serverId: "srv-1",
      experienceId: "arena",
    };
    stream.write(frame("1-1", "server.spawned", event));
    await expect(spawned).resolves.toEqual(event);
    await expect(any).resolves.toEqual(event);
    expect(double.requests[0]).toMatchObject({
      url: "/v1/events?region=*",
      headers: { authorization: "Bearer token" },
    });
  });

  it("go on after a break from where they were, also past what a filter left out", async () => {
    const first = next("scaling");
    const stream = await double.stream(0);
    stream.write(frame("7-3", "scaling", { type: "scaling", action: "up" }));
    await first;
    const broken = next("disconnected");
    const more = next("playerMoved");
    stream.write(": heartbeat\nid: 7-9\n\n", () => stream.destroy());
    await expect(broken).resolves.toMatchObject({ region: "*", error: expect.any(ForgeUnreachableError) });
    const second = await double.stream(1);
    expect(double.requests[1]?.headers["last-event-id"]).toBe("7-9");
    second.write(frame("7-10", "session.moved", { type: "session.moved", playerId: "ann" }));
    await expect(more).resolves.toMatchObject({ playerId: "ann" });
  });

  it("say when some were missed for good", async () => {
    const reset = next("reset");
    (await double.stream(0)).write(frame("9-1", "reset", { lastEventId: "9-1", reason: "too long ago" }));
    await expect(reset).resolves.toEqual({ region: "*", reason: "too long ago" });
  });

  it("say when a region cannot be heard for the moment", async () => {
    const missing = next("disconnected");
    (await double.stream(0)).write(frame("a=1-1", "missing", { region: "b", reason: "its stream broke" }));
    await expect(missing).resolves.toMatchObject({
      region: "b",
      error: { message: expect.stringContaining("its stream broke") },
    });
  });

  it("of a kind that came later are still told as `event`", async () => {
    const any = next("event");
    const stream = await double.stream(0);
    stream.write("event: garbage\ndata: no JSON\n\n");
    stream.write(frame("1-2", "server.sang", { type: "server.sang" }));
    await expect(any).resolves.toEqual({ type: "server.sang" });
  });

  it("are not asked for by who listens to nothing, and end with close", async () => {
    expect(double.requests).toHaveLength(0);
    const connected = next("connected");
    const stream = await double.stream(0);
    await connected;
    const ended = new Promise((resolve) => stream.on("close", resolve));
    forge.close();
    await ended;
    expect(double.requests).toHaveLength(1);
  });

  it("go on with the next token once the first has run out", async () => {
    let token = "first";
    const renewed = new ForgeController({ ...BASE, url: double.url, token: () => token, timing: new ManualTiming() });
    try {
      const told = new Promise((resolve) => renewed.on("playerMoved", resolve));
      const stream = await double.stream(0);
      token = "second";
      stream.destroy();
      (await double.stream(1)).write(frame("7-10", "session.moved", { type: "session.moved", playerId: "ann" }));
      await expect(told).resolves.toMatchObject({ playerId: "ann" });
      expect(double.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer first", "Bearer second"]);
    } finally {
      renewed.close();
    }
  });

  it("are not asked for any more by who closed while the token was being had", async () => {
    let give: (token: string) => void = () => undefined;
    const asked = new FetchDouble(() => ({}));
    const late = new ForgeController({
      ...BASE,
      token: () => new Promise((resolve) => (give = resolve)),
      fetch: (input, init) => (init?.signal?.aborted ? Promise.reject(new Error("aborted")) : asked.fetch(input, init)),
      timing: new ManualTiming(),
    });
    const broken = jest.fn();
    late.on("disconnected", broken);
    late.close();
    give("token");
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked.calls).toHaveLength(0);
    expect(broken).not.toHaveBeenCalled();
  });

  it("come from each region's own controller where those are known", async () => {
    const other = await EventsDouble.start();
    const both = new ForgeController({ ...BASE, url: double.url, regions: { a: double.url, b: other.url } });
    try {
      const regions: string[] = [];
      const all = new Promise<void>((resolve) =>
        both.on("connected", ({ region }) => regions.push(region) === 2 && resolve()),
      );
      await all;
      expect(regions.sort()).toEqual(["a", "b"]);
      expect(other.requests[0]?.url).toBe("/v1/events");
    } finally {
      both.close();
      await other.close();
    }
  });
});
