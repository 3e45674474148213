import { machineLine } from "./machine";
import { tellFigure } from "./figure";
import {
  exhaustive,
  routed,
  RoutedFleet,
  ROUTING_WORKLOADS,
  type Chooser,
  type RoutingWorkload,
} from "../controller/core/testing/routing-workload";

/**
 * How good and how dear routing is beside a search of all servers: the same players come to the same fleets, once placed by
 * each, on three workloads. CPU time of the choice alone; agents and messages are no part of it.
 *
 *     npx tsx bench/routing.ts [SERVERS …]
 */

const SIZES = process.argv.slice(2).map(Number);
const SERVERS = SIZES.length > 0 ? SIZES : [10, 100, 1000, 10_000];
const SEED = 1;
/** Each server is filled and emptied some twenty times, and the largest fleet by as many players as time allows. */
const ARRIVALS_A_SERVER = 60;
const MOST_ARRIVALS = 60_000;
/** A search of all of the largest fleet for each of them would take minutes. */
const MOST_LOOKS = 300_000_000;
const CALLS = 200_000;
const LOOKS_TIMED = 20_000_000;

function run(of: RoutingWorkload, chooser: Chooser, calls: number) {
  const fleet = new RoutedFleet(of, SEED);
  const quality = fleet.run(chooser);
  // On the fleet as its players have left it, so that a chooser is all that is measured; the first calls warm it up.
  for (let i = 0; i < calls / 4; i++) fleet.choose(chooser);
  const before = process.cpuUsage();
  for (let i = 0; i < calls; i++) fleet.choose(chooser);
  const { user, system } = process.cpuUsage(before);
  return { ...quality, microseconds: (user + system) / calls };
}

function row(cells: readonly string[]): string {
  const [name = "", ...rest] = cells;
  return name.padEnd(30) + rest.map((cell) => cell.padStart(11)).join("");
}

console.log(machineLine());
console.log("beside a search of all servers: its mean latency and packing are 1");
console.log(row(["workload", "servers", "latency", "packing", "CPU µs", "of all: µs"]));
for (const workload of ROUTING_WORKLOADS) {
  for (const servers of SERVERS) {
    const arrivals = Math.min(servers * ARRIVALS_A_SERVER, MOST_ARRIVALS, Math.floor(MOST_LOOKS / servers));
    const of = { ...workload, servers, arrivals };
    const found = run(of, routed, CALLS);
    const best = run(of, exhaustive, Math.min(CALLS, Math.ceil(LOOKS_TIMED / servers)));
    const latency = found.meanLatencyMs / best.meanLatencyMs;
    const packing = found.packing / best.packing;
    const cells = [latency.toFixed(3), packing.toFixed(3), found.microseconds.toFixed(2), best.microseconds.toFixed(1)];
    console.log(row([workload.name, String(servers), ...cells]));
    tellFigure(`routing, ${workload.name}, ${String(servers)} servers`, {
      latency,
      packing,
      microseconds: found.microseconds,
    });
  }
}
