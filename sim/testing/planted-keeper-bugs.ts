import { Core } from "../../controller/core/core";
import type { Decision } from "../../controller/core/decision";
import type { Input } from "../../controller/core/input";
import type { FleetRecords } from "../../controller/core/kept-fleets";
import { FleetKeeper, type KeptFleets } from "../../controller/fleet-keeper";
import { replaced, type PlantedBug } from "./planting";

/** In what leaders keep of their fleets for the next one. */
export const KEEPER_BUGS: readonly PlantedBug[] = [
  {
    name: "a put is answered, and never written",
    seed: 0,
    shows: /^P2 what was put is kept before it is answered/,
    plant: () =>
      replaced<FleetKeeper["keep"]>(
        FleetKeeper,
        "keep",
        () =>
          function (this: FleetKeeper, seq) {
            this["deps"].onKept(seq);
          },
      ),
  },
  {
    name: "rollouts are not read back",
    seed: 2,
    shows: /^P2 a new leader begins with what was kept/,
    plant: () =>
      replaced<(this: FleetKeeper, value: unknown) => KeptFleets>(
        FleetKeeper,
        "parse",
        (real) =>
          function (value) {
            const kept = real.call(this, value);
            return { ...kept, fleets: withoutRollouts(kept.fleets) };
          },
      ),
  },
  {
    name: "a new leader puts forge.toml's sizes in the place of those that it reads",
    seed: 0,
    shows: /^P2 a new leader goes on with what was kept/,
    plant: () =>
      replaced<(this: Core, input: Input) => readonly Decision[]>(
        Core,
        "handle",
        (real) =>
          function (input) {
            if (input.type !== "fleetsRead") return real.call(this, input);
            const { fleets, nodes } = input.kept;
            const records = Object.entries(fleets).map(([id, record]) => [id, { ...record, policy: {} }]);
            return real.call(this, { ...input, kept: { fleets: Object.fromEntries(records) as FleetRecords, nodes } });
          },
      ),
  },
  {
    name: "written without a look at whose leader has written since",
    seed: 3,
    shows: /^P2 a leader of the past keeps nothing/,
    plant: () =>
      replaced<(this: FleetKeeper, value: unknown) => KeptFleets>(
        FleetKeeper,
        "parse",
        (real) =>
          function (value) {
            return { ...real.call(this, value), epoch: 0 };
          },
      ),
  },
];

function withoutRollouts(fleets: FleetRecords): FleetRecords {
  const entries = Object.entries(fleets).map(([id, record]) => [id, { ...record, rollout: null }]);
  return Object.fromEntries(entries) as FleetRecords;
}
