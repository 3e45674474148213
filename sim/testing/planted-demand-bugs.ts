import { Core } from "../../controller/core/core";
import type { Decision } from "../../controller/core/decision";
import type { Fleet } from "../../controller/core/fleet";
import type { Group } from "../../controller/core/group";
import type { Input } from "../../controller/core/input";
import { WaitingLine } from "../../controller/core/queue";
import { replaced, type PlantedBug } from "./planting";

/** Something of each fleet stays as it is, whatever is decided. */
function held(name: keyof Fleet, value: unknown): () => void {
  const done = new WeakSet<Fleet>();
  return replaced<(this: Core, input: Input) => readonly Decision[]>(
    Core,
    "handle",
    (real) =>
      function (input) {
        for (const fleet of this["state"].fleets.values()) {
          if (done.has(fleet)) continue;
          done.add(fleet);
          Object.defineProperty(fleet, name, { get: () => value, set: () => undefined, configurable: true });
        }
        return real.call(this, input);
      },
  );
}

/** In who is served, and by how many servers: what no fault brings out, but a demand that lasts. */
export const DEMAND_BUGS: readonly PlantedBug[] = [
  {
    name: "a wait that is taken up again is held to no limit of latency",
    seed: 6,
    shows: /^P5 nobody plays too far away/,
    plant: () => {
      const known = new WeakSet<Group>();
      return replaced<WaitingLine["add"]>(
        WaitingLine,
        "add",
        (real) =>
          function (this: WaitingLine, group) {
            // One that comes with a place in line comes of another leader.
            if (group.order >= 0 && !known.has(group)) group.hindrance = null;
            known.add(group);
            real.call(this, group);
          },
      );
    },
  },
  {
    name: "who waits is not held to what has changed since",
    seed: 62,
    shows: /^P5 who can be seated is/,
    plant: () => held("reviewDue", false),
  },
  {
    name: "servers of the version before take nobody where the maximum leaves no room for one of the new",
    seed: 63,
    shows: /^P5 who can be seated is/,
    plant: () => held("fallsBack", false),
  },
  {
    name: "nobody gives up what others have a right to",
    seed: 41,
    shows: /^P5 none starves/,
    plant: () => held("over", 0),
  },
  {
    name: "one who waits by name for a paused version is a reason to start others",
    seed: 13,
    shows: /^P5 nothing is started that helps nobody/,
    plant: () =>
      replaced<WaitingLine["add"]>(
        WaitingLine,
        "add",
        (real) =>
          function (this: WaitingLine, group) {
            group.growable = true;
            real.call(this, group);
          },
      ),
  },
];
