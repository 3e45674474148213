import { canMove, checkMove, IllegalMoveError, MOVES, takesPlayers } from "./lifecycle";
import type { ServerState } from "./resources";

const STATES = Object.keys(MOVES) as ServerState[];

/** One row a state, one column a target: x where the move is allowed. */
const TABLE = `
             starting ready reserved allocated draining suspect unhealthy terminated
  starting      .       x      x         x        x        x        x         x
  ready         .       .      x         x        x        x        x         x
  reserved      .       x      .         x        x        x        x         x
  allocated     .       x      x         .        x        x        x         x
  draining      .       .      .         .        .        x        x         x
  suspect       x       x      x         x        x        .        x         x
  unhealthy     .       .      .         .        .        .        .         x
  terminated    .       .      .         .        .        .        .         .`;

const rows = TABLE.trim()
  .split("\n")
  .slice(1)
  .map((line) => line.trim().split(/\s+/));

describe.each(rows.map(([from = "", ...marks]) => ({ from: from as ServerState, marks })))(
  "from $from",
  ({ from, marks }) => {
    it.each(STATES.map((to, i) => ({ to, allowed: marks[i] === "x" })))("to $to: $allowed", ({ to, allowed }) => {
      expect(canMove(from, to)).toBe(allowed);
      if (allowed) expect(() => checkMove("s1", from, to)).not.toThrow();
      else expect(() => checkMove("s1", from, to)).toThrow(IllegalMoveError);
    });
  },
);

it("says in an illegal move what would have been legal", () => {
  expect(() => checkMove("s1", "unhealthy", "ready")).toThrow(
    "server s1 cannot go from unhealthy to ready; from unhealthy it goes to terminated",
  );
});

it("lets players only onto servers that are up", () => {
  expect(STATES.filter(takesPlayers)).toEqual(["ready", "reserved", "allocated"]);
});
