/**
 * Very many players against one region's real core and real books of seats, in virtual time (`sim/load/load.ts` says what is
 * left out, `sim/load/plans.ts` what `day`, `crowd` and `hour` are). A seed gives the same digest each time.
 *
 *   npx tsx bench/sim-load.ts [day|crowd|hour] [PLAYERS] [--seed 1]
 */
import { cpuUsage, memoryUsage, resourceUsage } from "node:process";
import { parseArgs } from "node:util";
import { Load } from "../sim/load/load";
import { PLANS, type PlanName } from "../sim/load/plans";
import { tellFigure } from "./figure";
import { machineLine } from "./machine";

const MILLION = 1_000_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string", default: "1" } },
});
const [name = "day", count = String(MILLION)] = positionals;
const players = Number(count);
if (!isPlan(name) || !Number.isInteger(players) || players < 1)
  throw new Error(`give one of ${Object.keys(PLANS).join(", ")}, and how many players`);

console.log(machineLine());
const plan = PLANS[name](players);
const before = cpuUsage();
const startedMs = performance.now();
const result = new Load(plan, Number(values.seed)).run();
const wallSecs = (performance.now() - startedMs) / 1000;
const { user, system } = cpuUsage(before);
const cpuSecs = (user + system) / 1e6;
const mostMiB = resourceUsage().maxRSS / 1024;
const { most } = result;
const text = (value: number): string => Math.round(value).toLocaleString("en");
console.log(
  `${name}: ${text(players)} players in ${text(result.virtualMs / 1000)} virtual seconds, seed ${values.seed}`,
);
console.log(
  `${text(result.played)} times played, ${text(result.gaveUp)} gave up, ${text(result.refused)} times 429; at most ` +
    `${text(most.on)} on, ${text(most.waiting)} of ${text(plan.queueLimit)} in line, ${text(most.servers)} servers, ` +
    `${text(most.openRequests)} open requests; over a limit ${text(result.over)}, left behind ${text(result.left)}`,
);
console.log(
  `${text(result.inputs)} inputs in ${text(wallSecs)} s, ${text(cpuSecs)} s of CPU ` +
    `(${((cpuSecs * 1e6) / result.inputs).toFixed(1)} µs each); at most ${text(mostMiB)} MiB, ` +
    `${text(memoryUsage().rss / 2 ** 20)} at the end; digest ${result.digest}`,
);
const { over, left } = result;
tellFigure(name, { cpuMs: cpuSecs * 1000, wallMs: wallSecs * 1000, mostMiB, inputs: result.inputs, over, left });

function isPlan(text: string): text is PlanName {
  return Object.hasOwn(PLANS, text);
}
