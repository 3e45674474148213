import fc from "fast-check";
import { checkSnapshot, collect, MAX_PLAYER_STATE_BYTES, MAX_SERVER_STATE_BYTES, type Snapshot } from "./snapshots";

/** What a batch takes on the wire. */
const callBytes = (batch: Snapshot): number =>
  Buffer.byteLength(JSON.stringify({ ...batch, takenAt: new Date(0).toISOString() }));

describe("snapshots", () => {
  it("are one call where everything is small", () => {
    const { batches, problems } = collect({ server: () => "s", player: (id) => `state of ${id}` }, ["ann", "ben"]);
    expect(batches).toEqual([{ server: "s", players: { ann: "state of ann", ben: "state of ben" } }]);
    expect(problems).toEqual([]);
  });

  it("leave out what a saver has nothing to say about", () => {
    const { batches } = collect({ server: () => undefined, player: (id) => (id === "ann" ? "a" : undefined) }, [
      "ann",
      "ben",
    ]);
    expect(batches).toEqual([{ players: { ann: "a" } }]);
    expect(collect({}, ["ann"]).batches).toEqual([]);
  });

  it("save the others when one is too large, and say whose", () => {
    const { batches, problems } = collect({ player: (id) => (id === "ann" ? "é".repeat(2049) : "b") }, ["ann", "ben"]);
    expect(batches).toEqual([{ players: { ben: "b" } }]);
    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ["snapshotTooLarge", expect.stringContaining('player "ann" is 4098 bytes, the limit is 4096')],
    ]);
  });

  it.each<[string, () => string | undefined, string]>([
    [
      "throws",
      () => {
        throw new Error("no such entity");
      },
      'the saver threw for player "ann": no such entity',
    ],
    ["gives no text", () => 7 as unknown as string, 'the saver gave number for player "ann": give text, or undefined'],
  ])("save the others when a saver %s for one, and say for whom", (_what, ofAnn, message) => {
    const player = (id: string) => (id === "ann" ? ofAnn() : `state of ${id}`);
    const { batches, problems } = collect({ server: () => "s", player }, ["ann", "ben"]);
    expect(batches).toEqual([{ server: "s", players: { ben: "state of ben" } }]);
    expect(problems).toEqual([expect.objectContaining({ code: "saverFailed", message })]);
  });

  it("save the players when the server's saver throws", () => {
    const cause = new Error("no match");
    const server = () => {
      throw cause;
    };
    const { batches, problems } = collect({ server, player: () => "a" }, ["ann"]);
    expect(batches).toEqual([{ players: { ann: "a" } }]);
    expect(problems).toEqual([expect.objectContaining({ code: "saverFailed", cause })]);
  });

  it("have exact limits, in bytes", () => {
    const player = (bytes: number) => ({ players: { server: "x".repeat(bytes) } });
    expect(() => checkSnapshot(player(MAX_PLAYER_STATE_BYTES))).not.toThrow();
    expect(() => checkSnapshot(player(MAX_PLAYER_STATE_BYTES + 1))).toThrow("the limit is 4096");
    expect(() => checkSnapshot({ server: "x".repeat(MAX_SERVER_STATE_BYTES) })).not.toThrow();
    expect(() => checkSnapshot({ server: "x".repeat(MAX_SERVER_STATE_BYTES + 1) })).toThrow(
      "the server is 262145 bytes",
    );
  });

  it("hold every player's state once, in calls of bounded size", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(MAX_PLAYER_STATE_BYTES), { maxLength: 400 }), (sizes) => {
        const states = new Map(sizes.map((size, i) => [`player-${i}`, "x".repeat(size)]));
        const { batches, problems } = collect({ player: (id) => states.get(id) }, states.keys());
        expect(problems).toEqual([]);
        const saved = batches.flatMap(({ players }) => Object.entries(players ?? {}));
        expect(new Map(saved)).toEqual(states);
        expect(saved).toHaveLength(states.size);
        expect(Math.max(0, ...batches.map(callBytes))).toBeLessThanOrEqual(512 * 1024);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ["as JSON in JSON", '{"a":"b"},'.repeat(20_479), '"'.repeat(3_475)],
    ["in six bytes each", "\u0001".repeat(80_000), "\u0001".repeat(MAX_PLAYER_STATE_BYTES)],
  ])("within their limits fit into the 512 KiB of a call, written %s", (_what, server, player) => {
    const ids = Array.from({ length: 64 }, (_, i) => `player-${i}`);
    const { batches } = collect({ server: () => server, player: () => player }, ids);
    expect(Math.max(...batches.map(callBytes))).toBeLessThanOrEqual(512 * 1024);
    expect(batches.flatMap((batch) => Object.keys(batch.players ?? {}))).toEqual(ids);
    expect(batches.map((batch) => batch.server).filter(Boolean)).toEqual([server]);
  });

  it("send the one state that is larger by itself", () => {
    const server = '"'.repeat(MAX_SERVER_STATE_BYTES);
    const { batches } = collect({ server: () => server, player: () => "a" }, ["ann"]);
    expect(batches).toEqual([{ server }, { players: { ann: "a" } }]);
  });
});
