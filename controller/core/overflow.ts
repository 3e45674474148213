import type { AllocationOverflow } from "../../config/config";
import type { Fleet } from "./fleet";
import type { GameServer } from "./game-server";
import { byFleetOrder } from "./scale-down";
import { mark } from "./server-commands";
import type { CoreState } from "./state";
import { isCurrent } from "./versions";

/**
 * Marks allocated servers that are more than there should be, so that they, or whoever looks for servers to share, can
 * see it: all of a version that is being replaced, and of the others those beyond the number that is wanted beside them.
 * Those that count least are marked first, in the order in which they would be scaled down. A mark stays.
 * Source: Agones, `pkg/gameserversets/allocation_overflow.go`.
 */
export function markOverflow(s: CoreState, fleet: Fleet): void {
  const marks = fleet.policy.allocationOverflow;
  if (!marks || fleet.rollout?.paused || (!hasOld(fleet) && fleet.servers.size <= fleet.want)) return;
  const allocated = [...fleet.servers].filter(({ state, ending }) => state === "allocated" && ending === null);
  const current = allocated.filter(({ version }) => isCurrent(fleet, version));
  const old = allocated.filter(({ version }) => !isCurrent(fleet, version));
  const over = current.length - Math.max(0, fleet.want - old.length);
  const marked = current.filter((server) => isMarked(server, marks)).length;
  const going = [
    ...old.filter((server) => !isMarked(server, marks)),
    ...current
      .filter((server) => !isMarked(server, marks))
      .sort(byFleetOrder(s, fleet))
      .slice(0, Math.max(0, over - marked)),
  ].filter(({ nodeId }) => s.usable(nodeId));
  if (going.length === 0) return;
  for (const server of going) mark(s, server, marks.labels, marks.annotations);
  const replaced = going.filter((server) => old.includes(server)).length;
  s.out.push({
    type: "record",
    record: s.records.make(s.nowMs, {
      kind: "scale",
      subject: fleet.id,
      outcome: `marks ${String(going.length)} allocated servers as more than wanted`,
      reasons: [
        `${String(allocated.length)} are allocated, ${String(fleet.want)} servers are wanted`,
        `${String(replaced)} of those marked run a version that is being replaced`,
      ],
    }),
  });
}

function hasOld(fleet: Fleet): boolean {
  return [...fleet.versions.keys()].some((version) => !isCurrent(fleet, version));
}

function isMarked(server: GameServer, { labels, annotations }: AllocationOverflow): boolean {
  const has = (there: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean =>
    Object.entries(wanted).every(([key, value]) => there[key] === value);
  return has(server.labels, labels) && has(server.annotations, annotations);
}
