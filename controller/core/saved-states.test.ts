import { PLAYER_STATE_BYTES, SavedStates, SERVER_STATE_BYTES } from "./saved-states";

const state = (serverId: string, playerId: string | undefined, data: string, atMs: number) => ({
  serverId,
  playerId,
  data,
  atMs,
});

it("keeps the newest of each player and of the server itself", () => {
  const saved = new SavedStates();
  saved.put(state("s", "ann", "old", 1));
  saved.put(state("s", "ann", "new", 3));
  saved.put(state("s", "ann", "late", 2));
  saved.put(state("s", undefined, "board", 2));
  expect(saved.get("s", "ann")).toEqual({ data: "new", savedAtMs: 3 });
  expect(saved.get("s")).toEqual({ data: "board", savedAtMs: 2 });
  saved.dropPlayer("s", "ann");
  expect(saved.get("s", "ann")).toBeUndefined();
  saved.dropServer("s");
  expect(saved.size).toBe(0);
});

it("ignores what is too large", () => {
  const saved = new SavedStates();
  saved.put(state("s", "ann", "x".repeat(PLAYER_STATE_BYTES + 1), 1));
  saved.put(state("s", undefined, "x".repeat(SERVER_STATE_BYTES + 1), 1));
  expect(saved.size).toBe(0);
});

it("drops the oldest beyond its budget", () => {
  const saved = new SavedStates(10);
  saved.put(state("s", "ann", "12345", 1));
  saved.put(state("s", "bob", "12345", 2));
  saved.put(state("s", "cyd", "1", 3));
  expect([saved.get("s", "ann"), saved.get("s", "bob")?.data, saved.get("s", "cyd")?.data]).toEqual([
    undefined,
    "12345",
    "1",
  ]);
});
