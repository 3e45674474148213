import { readOptions } from "./options";

const NEEDED = ["--url", "http://h:1", "--token", "t"];

describe("the bots' options", () => {
  it("come from arguments, the environment, and defaults", () => {
    expect(readOptions(NEEDED, {})).toEqual({
      url: "http://h:1",
      token: "t",
      count: 40,
      experience: "arena",
      seed: 1,
      regions: {},
      durationMs: undefined,
    });
    const env = { FORGE_ADDR: "http://e:1", FORGE_TOKEN: "e", FORGE_REGIONS: '{"a":"http://a:1"}' };
    expect(readOptions(["--count", "220", "--duration", "60", "--seed", "0"], env)).toMatchObject({
      url: "http://e:1",
      token: "e",
      count: 220,
      seed: 0,
      regions: { a: "http://a:1" },
      durationMs: 60_000,
    });
  });

  it.each([
    [[], "--url is missing and FORGE_ADDR is not set"],
    [["--url", "http://h:1"], "--token is missing and FORGE_TOKEN is not set"],
    [[...NEEDED, "--count", "many"], '--count is "many": expected a whole number from 1 to 5000'],
    [[...NEEDED, "--duration", "0"], '--duration is "0"'],
    [[...NEEDED, "--regions", "a=b"], '--regions is "a=b": expected JSON such as'],
    [[...NEEDED, "--regions", '{"a":"nowhere"}'], "expected JSON such as"],
    [[...NEEDED, "--speed", "9"], "--speed"],
  ])("%j: %s", (argv, message) => {
    expect(() => readOptions(argv, {})).toThrow(message);
  });
});
