import { VirtualClock } from "../../protocol/virtual-clock";
import { type ApiUnderTest, apiUnderTest } from "./api-under-test";
import { type Answer, json } from "./answer";
import { refused, serverSample } from "./backend-double";
import { IdempotencyStore } from "./idempotency";

const body = { playerId: "ann", experienceId: "arena" };

describe("a POST with an Idempotency-Key", () => {
  let api: ApiUnderTest;
  let made: number;
  beforeEach(() => {
    api = apiUnderTest();
    made = 0;
    api.backend.when("spawnServer", ({ serverId }) => ({
      ok: true,
      value: serverSample({ id: serverId ?? `srv-local-${(made += 1)}` }),
    }));
  });
  afterEach(() => api.app.close());

  const place = (key: string, extra: object = {}, headers: Record<string, string> = {}) =>
    api.call("POST", "/v1/sessions", { body: { ...body, ...extra }, headers: { "idempotency-key": key, ...headers } });
  const placed = (): number => api.backend.asked.filter(({ command }) => command.type === "createSession").length;

  it("has the effect of once, and gives the same answer again", async () => {
    const first = await place("k-1");
    const second = await place("k-1");
    expect(second.body).toBe(first.body);
    expect(second.statusCode).toBe(first.statusCode);
    expect([first.headers["idempotency-replayed"], second.headers["idempotency-replayed"]]).toEqual([
      undefined,
      "true",
    ]);
    expect(placed()).toBe(1);
  });

  it("keeps status and headers of the first answer", async () => {
    const spawn = () =>
      api.call("POST", "/v1/servers", {
        body: { experienceId: "arena", region: "local" },
        headers: { "idempotency-key": "k" },
      });
    const first = await spawn();
    const second = await spawn();
    expect([second.statusCode, second.headers.location]).toEqual([201, first.headers.location]);
  });

  it("takes bodies that say the same in another order for the same", async () => {
    await place("k-1", { version: "1", mods: [] });
    const again = await api.call("POST", "/v1/sessions", {
      body: { mods: [], version: "1", experienceId: "arena", playerId: "ann" },
      headers: { "idempotency-key": "k-1" },
    });
    expect(again.headers["idempotency-replayed"]).toBe("true");
  });

  it("is refused with another body", async () => {
    await place("k-1");
    const other = await place("k-1", { version: "2" });
    expect([other.statusCode, other.json<{ code: string }>().code]).toEqual([422, "idempotencyMismatch"]);
    expect(placed()).toBe(1);
  });

  it("is another request of another caller, call or key", async () => {
    await place("k-1");
    await place("k-2");
    await place("k-1", {}, { authorization: api.as("operator", "another") });
    await place("k-1", {}, { authorization: api.as("allocator", "someone") });
    expect(placed()).toBe(4);
    const token = await api.call("POST", "/v1/tokens", {
      body: { sub: "ann", role: "player" },
      headers: { "idempotency-key": "k-1" },
    });
    expect(token.statusCode).toBe(201);
  });

  it("may be tried again after an answer that says: not now", async () => {
    api.backend.when("createSession", () => refused({ code: "noCapacity", detail: "none" }));
    expect((await place("k-1")).statusCode).toBe(503);
    api.backend.when("createSession", () => refused({ code: "serverFull", detail: "full" }));
    expect((await place("k-1")).statusCode).toBe(409);
  });

  it.each(["", "x".repeat(256), "two words", "ümlaut"])("is refused where the key is %p", async (key) => {
    const answer = await place(key);
    expect([answer.statusCode, answer.json<{ errors: unknown[] }>().errors]).toEqual([
      422,
      [expect.objectContaining({ pointer: "/headers/idempotency-key" })],
    ]);
    expect(placed()).toBe(0);
  });

  it("names the server that it spawns, so that it holds over a restart", async () => {
    const spawn = async (on: ApiUnderTest, sub: string, key = "k-1") =>
      (
        await on.call("POST", "/v1/servers", {
          body: { experienceId: "arena", region: "local" },
          headers: { "idempotency-key": key, authorization: on.as("operator", sub) },
        })
      ).json<{ id: string }>().id;
    await spawn(api, "ann");
    const restarted = apiUnderTest();
    await spawn(restarted, "ann");
    const [before, after] = [api, restarted].map(({ backend }) => backend.asked.at(-1)?.command);
    expect(before).toMatchObject({ type: "spawnServer", serverId: expect.stringMatching(/^srv-local-[0-9a-f]{20}$/) });
    expect(after).toEqual(before);
    expect(new Set([await spawn(api, "ann"), await spawn(api, "ben"), await spawn(api, "ann", "k-2")]).size).toBe(3);
    await restarted.app.close();
  });

  it("tells the core of all that comes of one key, whatever the query: it is the core that knows what runs", async () => {
    const asked = async (labels: Record<string, string>, query = "") => {
      await api.call("POST", `/v1/servers${query}`, {
        body: { experienceId: "arena", region: "local", labels },
        headers: { "idempotency-key": "k-1" },
      });
      const command = api.backend.asked.at(-1)?.command;
      if (command?.type !== "spawnServer") throw new Error("no spawn was asked for");
      expect(command.serverId?.startsWith(command.keyPrefix ?? "none")).toBe(true);
      return command;
    };
    const first = await asked({ mode: "x", map: "ice" });
    const waiting = await asked({ map: "ice", mode: "x" }, "?wait=ready");
    expect(waiting).toMatchObject({ serverId: first.serverId, keyPrefix: first.keyPrefix, waitReady: true });
    const restarted = apiUnderTest({ backend: api.backend });
    await restarted.call("POST", "/v1/servers?wait=ready", {
      body: { experienceId: "arena", region: "local", labels: { mode: "y" } },
      headers: { "idempotency-key": "k-1" },
    });
    const other = api.backend.asked.at(-1)?.command;
    expect(other).toMatchObject({ keyPrefix: first.keyPrefix });
    expect(other).not.toMatchObject({ serverId: first.serverId });
    await restarted.app.close();
  });
});

describe("what was answered", () => {
  const answer = json(200, "x".repeat(98));
  const run = (store: IdempotencyStore, key: string): Promise<unknown> =>
    store.once("scope", key, {}, async () => answer);

  it("is waited for by those who ask meanwhile, also where it fails", async () => {
    const store = new IdempotencyStore(new VirtualClock());
    let ran = 0;
    let finish: (error?: Error) => void = () => undefined;
    const slow = (): Promise<Answer> => {
      ran += 1;
      return new Promise((resolve, reject) => (finish = (error) => (error ? reject(error) : resolve(answer))));
    };
    const ask = () => store.once("scope", "key", {}, slow);
    const failing = Promise.allSettled([ask(), ask(), ask()]);
    finish(new Error("no luck"));
    expect((await failing).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect([ran, store.size]).toEqual([1, 0]);
    const good = Promise.all([ask(), ask()]);
    finish();
    expect((await good).map(({ body, headers }) => [body, headers?.["idempotency-replayed"]])).toEqual([
      [answer.body, undefined],
      [answer.body, "true"],
    ]);
    expect(ran).toBe(2);
  });

  it("is kept for ten minutes", async () => {
    const clock = new VirtualClock();
    const store = new IdempotencyStore(clock);
    await run(store, "a");
    clock.advance(599_999);
    await run(store, "b");
    expect(store.size).toBe(2);
    clock.advance(1);
    await run(store, "c");
    expect(store.size).toBe(2);
  });

  it.each([
    [{ entries: 3 }, 3],
    [{ bytes: 250 }, 2],
  ])("is bounded: %j keeps %i", async (limits, kept) => {
    const store = new IdempotencyStore(new VirtualClock(), limits);
    for (const key of ["a", "b", "c", "d", "e"]) await run(store, key);
    expect(store.size).toBe(kept);
    let again = 0;
    await store.once("scope", "e", {}, async () => {
      again += 1;
      return answer;
    });
    expect(again).toBe(0);
  });
});
