import { type ApiUnderTest, apiUnderTest } from "./api-under-test";

interface ProblemBody {
  readonly code: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

const buffer = { bufferSize: 1 };
const CHAIN = "/body/policy/chain";
const NOT_A_TIME = 'is not a time: write it as ISO 8601 has it, in quotes: "2026-12-24T18:00:00Z"';

describe("a chain that is put is held to what forge.toml's is", () => {
  let api: ApiUnderTest;
  beforeEach(() => {
    api = apiUnderTest();
  });
  afterEach(() => api.app.close());

  const put = async (chain: readonly object[]) => {
    const answer = await api.call("PUT", "/v1/fleets/arena", { body: { policy: { chain } } });
    return { status: answer.statusCode, ...answer.json<ProblemBody>() };
  };

  it.each<[string, object, string, string | RegExp]>([
    [
      "a time that is none",
      { buffer, schedule: { between: { start: "garbage" } } },
      "schedule/between/start",
      NOT_A_TIME,
    ],
    [
      "a time without a zone",
      { buffer, schedule: { between: { end: "2026-12-24T18:00:00" } } },
      "schedule/between/end",
      NOT_A_TIME,
    ],
    [
      "an end that is the start",
      { buffer, schedule: { between: { start: "2026-12-24T18:00:00Z", end: "2026-12-24T19:00:00+01:00" } } },
      "schedule/between/end",
      "is not after start, so the entry would never apply: write a later time, or leave it out",
    ],
    [
      "a maximum below its minimum",
      { buffer: { ...buffer, minReplicas: 9, maxReplicas: 2 } },
      "buffer/maxReplicas",
      "is below minReplicas, 9: write at least 9",
    ],
    [
      "the same of a list",
      { list: { key: "maps", bufferSize: 1, minCapacity: 9, maxCapacity: 2 } },
      "list/maxCapacity",
      "is below minCapacity, 9: write at least 9",
    ],
    ["no capacity at all", { counter: { key: "rooms", bufferSize: 1, maxCapacity: 0 } }, "counter/maxCapacity", /1/],
    ["a share of all", { buffer: { bufferSize: "100%" } }, "buffer/bufferSize", /a share below 100 %/],
    [
      "words for a cron expression",
      { buffer, schedule: { activePeriod: { startCron: "hourly" } } },
      "schedule/activePeriod/startCron",
      /^is not a cron expression: write minute, hour/,
    ],
    [
      "the 30th of February",
      { buffer, schedule: { activePeriod: { startCron: "0 0 30 2 *" } } },
      "schedule/activePeriod/startCron",
      /^never comes: no month of those that it names has such a day: write days that its months have/,
    ],
    [
      "a zone of another planet",
      { buffer, schedule: { activePeriod: { timezone: "Mars" } } },
      "schedule/activePeriod/timezone",
      /^is not a time zone: write its IANA name/,
    ],
  ])("%s", async (_, entry, pointer, detail) => {
    const { status, code, errors } = await put([{ buffer }, entry]);
    expect({ status, code }).toEqual({ status: 422, code: "invalid" });
    expect(errors?.map((error) => error.pointer)).toEqual([`${CHAIN}/1/${pointer}`]);
    expect(errors?.[0]?.detail).toEqual(typeof detail === "string" ? detail : expect.stringMatching(detail));
    expect(api.backend.asked).toEqual([]);
  });

  it("takes bounds that are the same, and times in order", async () => {
    const schedule = { between: { start: "2026-12-24T18:00:00Z", end: "2026-12-24T18:00:01Z" } };
    const { status } = await put([{ buffer: { bufferSize: "99%", minReplicas: 3, maxReplicas: 3 }, schedule }]);
    expect(status).toBe(200);
  });
});
