import type { CountedList } from "../../protocol/counts";
import { SDK_PORT } from "../gate-links";
import type { GameServer } from "../game-server";

/**
 * A server as Agones' SDK shows it: the message `GameServer`, every field there and 64-bit numbers as strings, as Agones'
 * REST writes it. What Kubernetes has and Forge has not is named in docs/from-agones.md.
 */
export function agonesGameServer(server: GameServer): object {
  const { expect, labels, annotations, expectedAtMs, changedAtMs } = server;
  const { serverId, allocationId, experienceId, address, ports } = expect;
  return {
    object_meta: {
      name: serverId,
      namespace: "default",
      uid: allocationId,
      resource_version: String(changedAtMs),
      generation: "1",
      creation_timestamp: String(Math.floor(expectedAtMs / 1000)),
      deletion_timestamp: "0",
      annotations,
      labels: { ...labels, "agones.dev/fleet": experienceId, "agones.dev/role": "gameserver" },
    },
    spec: { health: healthOf(server) },
    status: {
      state: agonesState(server),
      address,
      addresses: [{ type: "InternalIP", address }],
      ports: Object.entries(ports)
        .filter(([name]) => name !== SDK_PORT)
        .map(([name, port]) => ({ name, port })),
      ...countsOf(server),
    },
  };
}

/** Forge's state in Agones' words. A server being drained keeps its state until its stop is decided. */
export function agonesState({ book: { state, empty }, stopping }: GameServer): string {
  if (stopping || state.closed || state.gone) return "Shutdown";
  if (!state.healthy) return "Unhealthy";
  if (state.reserved) return "Reserved";
  if (!empty) return "Allocated";
  return state.ready ? "Ready" : "Scheduled";
}

function healthOf({ expect: { health } }: GameServer): object {
  const { check, intervalMs, unhealthyThreshold } = health;
  return {
    disabled: check.kind !== "sdk",
    period_seconds: Math.round(intervalMs / 1000),
    failure_threshold: unhealthyThreshold,
    initial_delay_seconds: Math.round((check.kind === "sdk" ? (check.initialDelayMs ?? 0) : 0) / 1000),
  };
}

function countsOf({ counts: { counts } }: GameServer): object {
  const { counters, lists, tracked } = counts;
  return {
    players: tracked ? playersOf(tracked) : null,
    counters: mapped(counters, ({ count, capacity }) => ({ count: String(count), capacity: String(capacity) })),
    lists: mapped(lists, ({ capacity, values }) => ({ capacity: String(capacity), values })),
  };
}

function playersOf({ capacity, values }: CountedList): object {
  return { count: String(values.length), capacity: String(capacity), ids: values };
}

function mapped<Value>(of: Readonly<Record<string, Value>>, to: (value: Value) => object): object {
  return Object.fromEntries(Object.entries(of).map(([name, value]) => [name, to(value)]));
}
