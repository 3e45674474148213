import { AGENT_BUGS } from "./planted-agent-bugs";
import { CORE_BUGS } from "./planted-core-bugs";
import { DEMAND_BUGS } from "./planted-demand-bugs";
import { KEEPER_BUGS } from "./planted-keeper-bugs";
import { SILENCE_BUGS } from "./planted-silence-bugs";
import type { PlantedBug } from "./planting";

export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...AGENT_BUGS,
  ...CORE_BUGS,
  ...DEMAND_BUGS,
  ...KEEPER_BUGS,
  ...SILENCE_BUGS,
];
