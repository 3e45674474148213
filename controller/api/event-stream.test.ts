import { once } from "node:events";
import { request } from "node:http";
import type { Readable } from "node:stream";
import { VirtualClock } from "../../protocol/virtual-clock";
import type { ForgeEvent } from "../core/resources";
import { EventLog } from "../event-log";
import { type ApiUnderTest, apiUnderTest } from "./api-under-test";
import { fits } from "./event-filter";
import { EventStream } from "./event-stream";

const common = { region: "local", at: "2025-01-01T00:00:00.000Z", reason: "because" };
const ready: ForgeEvent = { ...common, type: "server.ready", serverId: "srv-1", experienceId: "arena" };
const joined: ForgeEvent = {
  ...common,
  type: "session.joined",
  sessionId: "ses-1",
  playerId: "ann",
  experienceId: "arena",
  serverId: "srv-1",
};
const scaling: ForgeEvent = { ...common, type: "scaling", experienceId: "arena", action: "up", from: 1, to: 2 };
const nodeDown: ForgeEvent = { ...common, type: "node.down" };

/** What a stream has to say now, cut into its blocks. */
function said(stream: Readable): string[] {
  const chunk = stream.read() as Buffer | null;
  return (chunk?.toString("utf8") ?? "").split("\n\n").filter((block) => block !== "");
}

describe("an event stream", () => {
  let clock: VirtualClock;
  let log: EventLog;
  beforeEach(() => {
    clock = new VirtualClock();
    log = new EventLog({ epoch: 2, capacity: 3 });
  });

  it("begins where the log is, and goes on with what happens", () => {
    log.append(ready);
    const stream = new EventStream(log, clock, {}, undefined);
    expect(said(stream)).toEqual(["retry: 1000", "id: 2-1"]);
    log.append(joined);
    expect(said(stream)).toEqual([`id: 2-2\nevent: session.joined\ndata: ${JSON.stringify(joined)}`]);
    stream.destroy();
  });

  it("gives what came after the last id, then its position", () => {
    log.append(ready);
    log.append(joined);
    const stream = new EventStream(log, clock, {}, "2-1");
    expect(said(stream)).toEqual([
      "retry: 1000",
      `id: 2-2\nevent: session.joined\ndata: ${JSON.stringify(joined)}`,
      "id: 2-2",
    ]);
    stream.destroy();
  });

  it("says reset where events in between are gone", () => {
    for (let n = 0; n < 5; n += 1) log.append(ready);
    const stream = new EventStream(log, clock, {}, "2-1");
    const [, reset, position] = said(stream);
    expect(reset).toMatch(/^id: 2-5\nevent: reset\ndata: \{"lastEventId":"2-5",/);
    expect(position).toBe("id: 2-5");
    stream.destroy();
  });

  it("tells a filtered reader how far it is, each 15 s", () => {
    const stream = new EventStream(log, clock, { types: ["scaling"] }, undefined);
    said(stream);
    log.append(ready);
    expect(said(stream)).toEqual([]);
    clock.advance(15_000);
    expect(said(stream)).toEqual([": heartbeat\nid: 2-1"]);
    clock.advance(30_000);
    expect(said(stream)).toHaveLength(2);
    stream.destroy();
  });

  it("drops a reader who does not read, and only that one", () => {
    const slow = new EventStream(log, clock, {}, undefined);
    const fast = new EventStream(log, clock, {}, undefined);
    const big: ForgeEvent = { ...ready, detail: { text: "x".repeat(100_000) } };
    for (let n = 0; n < 12; n += 1) {
      log.append(big);
      expect(said(fast).length).toBeGreaterThan(0);
    }
    expect([slow.destroyed, fast.destroyed]).toEqual([true, false]);
    expect(slow.readableLength).toBeLessThan(1_300_000);
    fast.destroy();
  });

  it("does not take what it gives at first for slowness", () => {
    log = new EventLog({ epoch: 2, capacity: 100 });
    const start = log.since(undefined).lastId;
    for (let n = 0; n < 30; n += 1) log.append({ ...ready, detail: { text: "x".repeat(100_000) } });
    const stream = new EventStream(log, clock, {}, start);
    log.append(ready);
    expect(stream.destroyed).toBe(false);
    stream.destroy();
  });

  it("leaves nothing behind", () => {
    const unsubscribed: boolean[] = [];
    const source = { since: log.since.bind(log), subscribe: () => () => void unsubscribed.push(true) };
    const stream = new EventStream(source, clock, {}, undefined);
    stream.destroy();
    stream.on("close", () => undefined);
    expect(() => clock.advance(60_000)).not.toThrow();
    expect(unsubscribed).toEqual([true]);
  });
});

describe("a filter", () => {
  it.each([
    [{}, [true, true, true, true]],
    [{ types: ["server.ready"] }, [true, false, false, false]],
    [{ types: ["server.*", "node.*"] }, [true, false, false, true]],
    [{ serverId: "srv-1" }, [true, true, false, false]],
    [{ serverId: "srv-2" }, [false, false, false, false]],
    [{ sessionId: "ses-1" }, [false, true, false, false]],
    [{ experienceId: "arena" }, [true, true, true, false]],
    [{ experienceId: "arena", types: ["scaling"] }, [false, false, true, false]],
  ])("%j lets through what fits", (filter, expected) => {
    expect([ready, joined, scaling, nodeDown].map((event) => fits(event, filter))).toEqual(expected);
  });
});

describe("GET /v1/events", () => {
  let api: ApiUnderTest;
  beforeEach(() => {
    api = apiUnderTest();
  });
  afterEach(() => api.app.close());

  const open = async (url: string, headers: Record<string, string> = {}) => {
    const answer = await api.app.inject({
      method: "GET",
      url,
      headers: { host: "localhost", authorization: api.as("viewer"), ...headers },
      payloadAsStream: true,
    });
    return { answer, stream: answer.stream().setEncoding("utf8") };
  };
  /** Reads until the text has what is looked for. */
  const until = async (stream: Readable, wanted: string): Promise<string> => {
    let text = "";
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
      text += chunk;
      if (text.includes(wanted)) return text;
    }
    return text;
  };

  it("is a stream of events that nobody stores", async () => {
    const { answer, stream } = await open("/v1/events?type=server.*&serverId=srv-1");
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({ "content-type": "text/event-stream", "cache-control": "no-store" });
    api.backend.events.append(scaling);
    api.backend.events.append(ready);
    const text = await until(stream, "server.ready");
    expect(text).not.toContain("scaling");
    stream.destroy();
  });

  it.each([
    ["the header", "/v1/events", { "last-event-id": "1-1" }],
    ["the query", "/v1/events?lastEventId=1-1", {}],
    ["the header before the query", "/v1/events?lastEventId=1-2", { "last-event-id": "1-1" }],
  ])("resumes from %s", async (_where, url, headers) => {
    api.backend.events.append(ready);
    api.backend.events.append(joined);
    const { stream } = await open(url, headers);
    expect(await until(stream, "id: 1-2\n\n")).toContain("event: session.joined");
    stream.destroy();
  });

  it("ends after an hour, when its token has", async () => {
    const { stream } = await open("/v1/events");
    const ended = new Promise((resolve) => stream.on("close", resolve).on("error", resolve));
    stream.resume();
    api.clock.advance(3_600_000);
    await ended;
    expect(stream.destroyed).toBe(true);
  });
});

describe("GET /v1/servers/{id}/logs", () => {
  let api: ApiUnderTest;
  beforeEach(() => {
    api = apiUnderTest();
  });
  afterEach(() => api.app.close());

  it("is text, a line a line", async () => {
    api.backend.lines = ["one", "two\n", "three"];
    const answer = await api.call("GET", "/v1/servers/srv-local-1/logs");
    expect([answer.headers["content-type"], answer.body]).toEqual(["text/plain; charset=utf-8", "one\ntwo\nthree\n"]);
  });

  it("of a server that is not there is a problem", async () => {
    api.backend.when("getServer", () => ({ ok: false, problem: { code: "unknownServer", detail: "no" } }));
    expect((await api.call("GET", "/v1/servers/srv-local-9/logs")).statusCode).toBe(404);
  });

  it("of a task that the server has not is a problem that names those that it has, where they are known", async () => {
    const nope = () => api.call("GET", "/v1/servers/srv-local-1/logs?task=nope");
    const refused = await nope();
    expect([refused.statusCode, refused.json()]).toEqual([
      404,
      expect.objectContaining({
        code: "unknownTask",
        detail: 'srv-local-1 has no task "nope"; it has server, physics',
      }),
    ]);
    expect((await api.call("GET", "/v1/servers/srv-local-1/logs?task=physics")).statusCode).toBe(200);
    api.backend.taskNames = undefined;
    expect((await nope()).statusCode).toBe(200);
  });

  it("ends when its reader goes", async () => {
    const logs = jest.spyOn(api.backend, "logs");
    const url = await api.app.listen({ host: "127.0.0.1", port: 0 });
    const path = "/v1/servers/srv-local-1/logs?follow=1&task=physics&tailBytes=10";
    const call = request(url + path, { headers: { authorization: api.as("operator") } }).end();
    const [response] = (await once(call, "response")) as [Readable];
    const [serverId, options] = logs.mock.calls[0] ?? [];
    const expected = { follow: true, task: "physics", tailBytes: 10, signal: expect.any(AbortSignal) };
    expect([serverId, options]).toEqual(["srv-local-1", expected]);
    expect(String((await once(response, "data"))[0])).toMatch(/^one\n/);
    const gone = new Promise((resolve) => options?.signal.addEventListener("abort", resolve));
    response.destroy();
    await gone;
  });
});
