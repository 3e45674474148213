import { localPorts, MAX_LOCAL_REGIONS, MAX_PORT_OFFSET, portOffsetOf } from "./local-ports";

function all(index: number, offset = 0): readonly number[] {
  const { games, ...single } = localPorts(index, offset);
  return [...Object.values(single), games.first, games.last];
}

describe("the ports of local regions", () => {
  test("of the first are those that everybody knows", () => {
    expect(localPorts(0)).toMatchObject({ nomadHttp: 4646, consulHttp: 8500, vaultApi: 8200, api: 7700, agents: 7800 });
    expect(localPorts(1)).toMatchObject({ nomadHttp: 4656, consulHttp: 8510, vaultApi: 8210, api: 7701, agents: 7801 });
  });

  test("never meet, within a region or between two, and are ports with every offset", () => {
    for (const offset of [0, 7, MAX_PORT_OFFSET]) {
      const ports = Array.from({ length: MAX_LOCAL_REGIONS }, (_, index) => all(index, offset)).flat();
      expect(new Set(ports).size).toBe(ports.length);
      expect(Math.max(...ports)).toBeLessThanOrEqual(65_535);
      expect(Math.min(...ports)).toBeGreaterThan(1023);
    }
  });

  test("one region more would meet another's", () => {
    const ports = Array.from({ length: MAX_LOCAL_REGIONS + 1 }, (_, index) => all(index)).flat();
    expect(new Set(ports).size).toBeLessThan(ports.length);
  });

  test.each([
    [undefined, 0],
    ["", 0],
    ["0", 0],
    ["1000", 1000],
    [String(MAX_PORT_OFFSET), MAX_PORT_OFFSET],
    [String(MAX_PORT_OFFSET + 1), undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["many", undefined],
  ])("FORGE_PORT_OFFSET %p means %p", (text, offset) => expect(portOffsetOf(text)).toBe(offset));
});
