import { cpuUsage, memoryUsage } from "node:process";
import { Load, type LoadPlan } from "../sim/load/load";
import { machineLine } from "./machine";

/**
 * Very many players against one region's real core and real books of seats, in virtual time (see `sim/load/load.ts` for what
 * is left out): `day` spreads them over 24 hours, `crowd` has all of them ask within a minute for fewer seats.
 *
 *     npx tsx bench/sim-load.ts day|crowd [PLAYERS, 1000000]
 */

const PLANS: Readonly<Record<string, Omit<LoadPlan, "players">>> = {
  day: {
    withinMs: 86_400_000,
    daily: true,
    playMs: 900_000,
    nodes: 20,
    seatsPerServer: 64,
    maxServers: 1000,
    queueLimit: 10_000,
  },
  crowd: { withinMs: 60_000, playMs: 900_000, nodes: 20, seatsPerServer: 64, maxServers: 1000, queueLimit: 10_000 },
};

const name = process.argv[2] ?? "day";
const players = Number(process.argv[3] ?? 1_000_000);
const plan = PLANS[name];
if (!plan || !Number.isInteger(players) || players < 1)
  throw new Error(`give one of ${Object.keys(PLANS).join(", ")}, and how many players`);

console.log(machineLine());
const before = cpuUsage();
const startedMs = performance.now();
const result = new Load({ ...plan, players }, 1).run();
const wallSecs = (performance.now() - startedMs) / 1000;
const { user, system } = cpuUsage(before);
const cpuSecs = (user + system) / 1e6;
const { most } = result;
const text = (value: number): string => value.toLocaleString("en");
console.log(`${name}: ${text(players)} players in ${text(Math.round(result.virtualMs / 1000))} virtual seconds`);
console.log(
  `${text(result.played)} played, ${text(result.gaveUp)} gave up, ${text(result.refused)} times 429; at most ` +
    `${text(most.on)} on, ${text(most.waiting)} of ${text(plan.queueLimit)} in line, ${text(most.servers)} servers, ` +
    `${text(most.openRequests)} open requests; over a limit ${text(result.over)}, left behind ${text(result.left)}`,
);
console.log(
  `${text(result.inputs)} inputs in ${wallSecs.toFixed(0)} s, ${cpuSecs.toFixed(0)} s of CPU ` +
    `(${((cpuSecs * 1e6) / result.inputs).toFixed(1)} µs each); ${text(Math.round(memoryUsage().rss / 1e6))} MB at the end`,
);
