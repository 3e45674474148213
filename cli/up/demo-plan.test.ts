import { plannedFaults } from "./demo-plan";

describe("plannedFaults", () => {
  it("kills one server in the middle of a run in one process", () => {
    expect(plannedFaults({ forMs: 60_000, mortal: [] })).toEqual([{ target: "server", atMs: 30_000 }]);
  });

  it("kills server, controller and agent in turn where they are processes of their own", () => {
    const faults = plannedFaults({ forMs: 60_000, mortal: ["controller", "agent"] });
    expect(faults.map(({ target }) => target)).toEqual(["server", "controller", "agent"]);
    expect([...faults].sort((a, b) => a.atMs - b.atMs)).toEqual(faults);
    expect(faults.every(({ atMs }) => atMs > 0 && atMs < 60_000)).toBe(true);
  });

  it("shows a failover within the first minute of an endless run", () => {
    expect(plannedFaults({ forMs: undefined, mortal: [] })).toEqual([{ target: "server", atMs: 30_000 }]);
  });
});
