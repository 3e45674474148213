import { refused } from "../../controller/api/backend-double";
import { useRunDouble } from "../../test/double/use-run-double";
import { sampleServer } from "../../test/double/samples";

const here = useRunDouble("us-east", "eu-west");
const { forge, asked } = here;

describe("ending servers", () => {
  const ending = (over: object) => ({
    type: "terminateServer",
    serverId: "srv-eu-west-1",
    drainSecs: 0,
    force: false,
    ...over,
  });

  it.each([
    [["stop", "srv-eu-west-1"], ending({})],
    [["stop", "srv-eu-west-1", "--reason", "maintenance"], ending({ reason: "maintenance" })],
    [["kill", "srv-eu-west-1"], ending({ force: true })],
    [["drain", "srv-eu-west-1"], ending({ drainSecs: 600 })],
    [["drain", "srv-eu-west-1", "--deadline", "30"], ending({ drainSecs: 30 })],
  ])("%j", async (args, command) => {
    const { code, out } = await forge(...args);
    expect(code).toBe(0);
    expect(out).toMatch(/^srv-eu-west-1 is draining: /);
    expect(asked("eu-west")).toEqual([expect.objectContaining(command)]);
  });

  it("drains a region and takes it back", async () => {
    expect((await forge("drain", "region", "eu-west")).out).toMatch(/^region eu-west is draining/);
    expect((await forge("drain", "region", "eu-west", "--deadline", "60")).code).toBe(0);
    expect((await forge("drain", "region", "eu-west", "--undo")).code).toBe(0);
    expect(asked("eu-west")).toEqual([
      { type: "drainRegion", on: true },
      { type: "drainRegion", on: true, afterSecs: 60 },
      { type: "drainRegion", on: false },
    ]);
  });

  it.each([
    [["drain", "region"]],
    [["drain", "region", "eu-west", "--deadline", "3", "--undo"]],
    [["drain", "region", "eu-west", "--reason", "storm"]],
    [["drain", "srv-eu-west-1", "--undo"]],
    [["drain", "srv-eu-west-1", "srv-eu-west-2"]],
    [["drain", "srv-eu-west-1", "--deadline", "soon"]],
  ])("refuses %j and asks nothing", async (args) => {
    expect((await forge(...args)).code).toBe(2);
    expect([...asked("us-east"), ...asked("eu-west")]).toEqual([]);
  });
});

describe("forge restart", () => {
  it("starts the new one first", async () => {
    const { backend } = here.run.region("eu-west");
    backend.when("spawnServer", () => ({ ok: true, value: sampleServer({ id: "srv-eu-west-new" }) }));
    backend.when("getServer", () => ({
      ok: true,
      value: sampleServer({ id: "srv-eu-west-1", region: "eu-west", version: "0.9.0", maxPlayers: 7 }),
    }));
    const { code, json } = await forge("restart", "srv-eu-west-1", "--json");
    expect(code).toBe(0);
    // As the old one was, also while another version is taken in.
    expect(asked("eu-west")).toContainEqual(
      expect.objectContaining({ type: "spawnServer", version: "0.9.0", maxPlayers: 7 }),
    );
    expect(json).toMatchObject({
      started: { id: "srv-eu-west-new" },
      stopped: { id: "srv-eu-west-1", state: "draining" },
    });
    const order = asked("eu-west").map((command) => (command as { type: string }).type);
    expect(order.slice(-2)).toEqual(["spawnServer", "terminateServer"]);
  });

  it("where there is no room for two, ends the old one first and waits for the fleet's next", async () => {
    const { backend } = here.run.region("eu-west");
    backend.when("spawnServer", () => refused({ code: "noCapacity", detail: "1 of 1 runs" }));
    let ended = false;
    backend.when("terminateServer", () => {
      ended = true;
      return { ok: true, value: sampleServer({ id: "srv-eu-west-1", state: "draining" }) };
    });
    backend.when("listServers", () => ({
      ok: true,
      value: [sampleServer({ id: "srv-eu-west-1" }), ...(ended ? [sampleServer({ id: "srv-eu-west-next" })] : [])],
    }));
    const { code, out, err } = await forge("restart", "srv-eu-west-1");
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(/^srv-eu-west-next is ready in place of srv-eu-west-1\n/),
    });
    expect(err).toContain("no room for a second one (1 of 1 runs)");
  });

  it("of one that has ended says so", async () => {
    here.run
      .region("eu-west")
      .backend.when("getServer", () => ({ ok: true, value: sampleServer({ state: "terminated" }) }));
    expect(await forge("restart", "srv-eu-west-1")).toMatchObject({
      code: 1,
      err: expect.stringContaining("has ended already"),
    });
  });
});
