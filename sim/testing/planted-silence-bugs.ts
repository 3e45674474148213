import { Agent } from "../../agent/agent";
import type { GameServer as AgentServer } from "../../agent/game-server";
import type { GateLinks } from "../../agent/gate-links";
import { Heartbeat } from "../../agent/heartbeat";
import { Core } from "../../controller/core/core";
import type { Decision } from "../../controller/core/decision";
import type { Loss } from "../../controller/core/game-server";
import type { Input } from "../../controller/core/input";
import { replaced, type PlantedBug } from "./planting";

type HearGate = (this: { readonly gates: GateLinks }, server: AgentServer, now: number) => void;

/** In what an agent or a controller makes of those whom it does not hear. */
export const SILENCE_BUGS: readonly PlantedBug[] = [
  {
    name: "an agent counts silence for as long as it stood still itself",
    seed: 99,
    shows: /^P2 who beats is not given up/,
    plant: () => replaced<Heartbeat["heldUp"]>(Heartbeat, "heldUp", () => () => undefined),
  },
  {
    name: "an agent counts silence while the gate stands still",
    seed: 71,
    shows: /^P2 who beats is not given up/,
    plant: () =>
      replaced<HearGate>(
        Agent,
        "hearGate",
        () =>
          function ({ serverId, heartbeat }, now) {
            if (!this.gates.holds(serverId)) heartbeat?.excuse(now);
          },
      ),
  },
  {
    name: "a standby notes that a node is down, and not that it is back",
    seed: 91,
    shows: /^P2 who is heard is not given up/,
    plant: () =>
      replaced<(this: Core, input: Input) => readonly Decision[]>(
        Core,
        "handle",
        (real) =>
          function (input) {
            const noted = new Map<string, Loss>();
            const { servers } = this["state"];
            for (const { id, lost } of servers.values()) if (lost?.withNode) noted.set(id, lost);
            const decisions = real.call(this, input);
            const back =
              (input.type === "agent" && input.message.type === "hello") ||
              (input.type === "engine" && input.event.type === "nodeUp");
            for (const [id, lost] of back ? noted : []) {
              const server = servers.get(id);
              if (server) server.lost = lost;
            }
            return decisions;
          },
      ),
  },
];
