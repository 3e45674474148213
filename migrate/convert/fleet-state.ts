import { MAX_COUNTS } from "../../config/count-limits";
import { experienceSchema } from "../../config/experience-schema";
import type { Cursor } from "../ledger/claims";

/** Counters and lists of a GameServer, as forge.toml has them. */
export interface FleetState {
  readonly counters: Readonly<Record<string, { readonly count: number; readonly capacity: number }>>;
  readonly lists: Readonly<Record<string, { readonly capacity: number; readonly values: readonly string[] }>>;
}

const { counters: countersSchema, lists: listsSchema, tracked_players: trackedSchema } = experienceSchema.shape;

/** What each server begins with; one that forge.toml would not take is left out, and said so. */
export function fleetStateOf(server: Cursor, target: string): FleetState {
  const read = <T>(key: "counters" | "lists", each: (of: Cursor, name: string) => T | undefined): Record<string, T> => {
    const all = server.get(key);
    const found = new Map<string, T>();
    for (const [name, of] of all.present ? all.entries() : []) {
      const value = found.size < MAX_COUNTS ? each(of, name) : undefined;
      if (value === undefined) of.note("fleetCount");
      else {
        of.converted(`${target}.${key}.${name}`);
        found.set(name, value);
      }
    }
    return Object.fromEntries(found);
  };
  return {
    counters: read("counters", (of, name) => {
      const [count, capacity] = [of.get("count").int(), of.get("capacity").int()];
      const counter = countersSchema.safeParse({ [name]: { count, capacity } }).data?.[name];
      return counter === undefined || counter.count > counter.capacity ? undefined : counter;
    }),
    lists: read("lists", (of, name) => {
      const values = of.get("values").present ? of.get("values").texts() : undefined;
      const list = listsSchema.safeParse({ [name]: { capacity: of.get("capacity").int(), values } }).data?.[name];
      const isGood = list !== undefined && list.values.length <= list.capacity;
      return isGood && new Set(list.values).size === list.values.length ? list : undefined;
    }),
  };
}

/** The keys of an experience for it, and for the players of Agones' alpha calls. */
export function stateTables(server: Cursor, { counters, lists }: FleetState, target: string): Record<string, unknown> {
  const tracked = server.get("players", "initialCapacity").converted(`${target}.tracked_players`).int();
  return {
    ...(Object.keys(counters).length === 0 ? {} : { counters }),
    ...(Object.keys(lists).length === 0 ? {} : { lists }),
    ...(tracked !== undefined && trackedSchema.safeParse(tracked).success ? { tracked_players: tracked } : {}),
  };
}
