import { FetchDouble, problemSample, type FetchAnswer } from "../testing/fetch-double";
import { ManualTiming } from "../testing/manual-timing";
import { ApiConnection } from "./api-connection";

const ONE = "http://one:7700";
const TWO = "http://two:7700";
const POLICY = { forMs: 60_000, firstMs: 200, maxMs: 3_000 };
const ASK = { method: "GET", path: "/v1/servers" } as const;

/** As long as Node waits for a connection. */
const GONE_MS = 10_000;

/**
 * Two controllers; the second answers in this order, and the last answer for good.
 * @param goneMs after which a call to the first fails; undefined: it answers as well
 */
function setUp(script: readonly FetchAnswer[] = [{}], goneMs: () => number | undefined = () => GONE_MS) {
  const answers = [...script];
  const asked: string[] = [];
  const timing = new ManualTiming();
  const double = new FetchDouble(() => (answers.length > 1 ? answers.shift() : answers[0]) ?? {});
  const fetch = (url: string, init: RequestInit): Promise<Response> => {
    const { origin } = new URL(url);
    asked.push(origin);
    const failsAfterMs = origin === ONE ? goneMs() : undefined;
    if (failsAfterMs === undefined) return double.fetch(url, init);
    timing.advance(failsAfterMs);
    return Promise.reject(new TypeError("fetch failed"));
  };
  const api = new ApiConnection([ONE, TWO], undefined, timing, POLICY, fetch as typeof globalThis.fetch);
  return { api, asked, timing };
}

const busy = problemSample(503, "unavailable");

describe("where one of two controllers is gone", () => {
  it("calls that fail at it together all go on to the other", async () => {
    const { api, asked } = setUp();
    await Promise.all([api.call(ASK), api.call(ASK)]);
    expect(asked).toEqual([ONE, ONE, TWO, TWO]);
  });

  it("whoever the other puts off asks that one again, and not the one that is gone", async () => {
    const { api, asked } = setUp([busy, busy, {}]);
    await api.call(ASK);
    expect(asked).toEqual([ONE, TWO, TWO, TWO]);
  });

  it("it is asked again after ten seconds, should it be back", async () => {
    let goneMs: number | undefined = GONE_MS;
    const { api, asked, timing } = setUp([{}, busy, {}], () => goneMs);
    await api.call(ASK);
    goneMs = undefined;
    await timing.sleep(10_000);
    await api.call(ASK);
    expect(asked).toEqual([ONE, TWO, TWO, ONE]);
  });
});

it("one that puts callers off is left for the other", async () => {
  const { api, asked } = setUp([busy, {}], () => undefined);
  await api.call(ASK);
  expect(asked).toEqual([ONE, TWO]);
});

it("one that fails at once is asked again where the other puts callers off: it may be starting", async () => {
  let goneMs: number | undefined = 1;
  const { api, asked } = setUp([busy, {}], () => goneMs);
  const done = api.call(ASK);
  goneMs = undefined;
  await done;
  expect(asked).toEqual([ONE, TWO, ONE]);
});
