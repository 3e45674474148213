import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { Admission } from "./admission";
import { type ApiUnderTest, apiUnderTest } from "./api-under-test";

describe("admission", () => {
  it("takes as many as it may, and one more when one has left", () => {
    const admission = new Admission({ working: 2 });
    admission.enter("working");
    admission.enter("working");
    expect(() => admission.enter("working")).toThrow("2 calls are working");
    admission.enter("waiting");
    admission.leave("working");
    admission.enter("working");
    expect(admission.underWay()).toEqual({ working: 2, waiting: 1, streaming: 0 });
  });

  it("counts players apart, and forgets those who have gone", () => {
    const admission = new Admission({ perPlayer: 1 });
    admission.enterPlayer("ann");
    admission.enterPlayer("ben");
    expect(() => admission.enterPlayer("ann")).toThrow("under way");
    admission.leavePlayer("ann");
    admission.enterPlayer("ann");
  });
});

it("bounds the streams of one subject alone", () => {
  const admission = new Admission({ streamsPerSubject: 1 });
  admission.enterListener("ann");
  admission.enterListener("ben");
  expect(() => admission.enterListener("ann")).toThrow('1 event and log streams of "ann" are open here');
  admission.leaveListener("ann");
  admission.enterListener("ann");
});

describe("the API under more than it takes", () => {
  let api: ApiUnderTest;
  let finish: (() => void)[];
  const held = async (
    count: number,
    authorization?: string,
    url = "/v1/sessions/ses-local-1",
  ): Promise<Promise<{ statusCode: number }>[]> => {
    const calls = Array.from({ length: count }, () =>
      api.call("GET", url, { headers: authorization === undefined ? {} : { authorization } }),
    );
    while (finish.length < count) await new Promise(setImmediate);
    return calls;
  };
  beforeEach(() => {
    api = apiUnderTest({ limits: { working: 3, waiting: 2, perPlayer: 2 } });
    finish = [];
    const wait = () =>
      new Promise<never>((_resolve, reject) => finish.push(() => reject(new Error("ended by the test"))));
    api.backend.when("getServer", wait).when("followSession", wait).when("findSessions", wait);
  });
  afterEach(() => api.app.close());

  it("says so at once, and lets in again when there is room", async () => {
    const calls = await held(3, undefined, "/v1/servers/srv-local-1");
    const refused = await api.call("GET", "/v1/servers/srv-local-1");
    expect([refused.statusCode, refused.headers["retry-after"], refused.json<{ code: string }>().code]).toEqual([
      503,
      "1",
      "overloaded",
    ]);
    finish.forEach((end) => end());
    await Promise.all(calls);
    api.backend.when("getServer", () => ({ ok: false, problem: { code: "unknownServer", detail: "x" } }));
    for (let n = 0; n < 10; n += 1) expect((await api.call("GET", "/v1/servers/srv-local-1")).statusCode).toBe(404);
  });

  it("counts those who wait apart from those who work", async () => {
    const calls = await held(2, undefined, "/v1/sessions/ses-local-1?wait=60");
    expect((await api.call("GET", "/v1/sessions/ses-local-1?wait=60")).statusCode).toBe(503);
    expect((await api.call("GET", "/v1/sessions/ses-local-1")).statusCode).toBe(200);
    finish.forEach((end) => end());
    await Promise.all(calls);
  });

  it("lets no player take the room of others", async () => {
    const calls = await held(2, api.as("player", "ann"), "/v1/sessions");
    const refused = await api.call("GET", "/v1/sessions", { headers: { authorization: api.as("player", "ann") } });
    expect([refused.statusCode, refused.headers["retry-after"], refused.json<{ code: string }>().code]).toEqual([
      429,
      "1",
      "tooManyRequests",
    ]);
    expect((await api.call("GET", "/v1/servers")).statusCode).toBe(200);
    finish.forEach((end) => end());
    await Promise.all(calls);
    expect(
      (await api.call("GET", "/v1/sessions/ses-local-1", { headers: { authorization: api.as("player", "ann") } }))
        .statusCode,
    ).toBe(200);
  });
  it("lets no token take the streams of others", async () => {
    await api.app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = api.app.server.address() as AddressInfo;
    const opened: IncomingMessage[] = [];
    const open = async (authorization: string): Promise<number | undefined> => {
      const call = request({ host: "127.0.0.1", port, path: "/v1/events", headers: { authorization } }).end();
      const [answer] = (await once(call, "response")) as [IncomingMessage];
      if (answer.statusCode === 200) opened.push(answer);
      else answer.resume();
      return answer.statusCode;
    };
    const ann = api.as("operator", "ann");
    for (let n = 0; n < 32; n += 1) expect(await open(ann)).toBe(200);
    expect(await open(ann)).toBe(429);
    // Whoever else it is, for whichever role: there is room for them.
    expect(await open(api.as("viewer", "ben"))).toBe(200);
    opened[0]?.destroy();
    while ((await open(ann)) === 429) await new Promise(setImmediate);
    expect(await open(ann)).toBe(429);
    for (const stream of opened) stream.destroy();
  });
});
