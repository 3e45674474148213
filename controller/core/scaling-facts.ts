import type { Fleet } from "./fleet";
import type { FleetObservation, ScalingBounds, ScalingPlan } from "./scaling";

/** The numbers that a plan was made from, for people. */
export function factsOf(
  fleet: Fleet,
  seen: FleetObservation,
  { floor, cap, shared, after }: ScalingBounds,
): readonly string[] {
  const { usable, starting, suspect, empty, seatsHeld, seatsFree, waiting, moving, cpu, responseP95Ms } = seen;
  const what = seen.whole ? "servers" : "seats";
  const measured = [
    ...(cpu === undefined ? [] : [`mean CPU ${percent(cpu)}`]),
    ...(responseP95Ms === undefined ? [] : [`p95 of ${String(Math.round(responseP95Ms))} ms to a seat`]),
  ];
  return [
    `seen: ${String(usable)} servers up, ${String(empty)} of them empty, ${String(starting)} starting, ${String(suspect)} out of sight; ` +
      `${String(seatsHeld)} seats held, ${String(seatsFree)} free; ${String(waiting)} ${what} waited for, ${String(moving)} by players on the move` +
      measured.map((text) => `; ${text}`).join(""),
    `bounds: ${String(floor)} to ${Number.isFinite(cap) ? String(cap) : "any number of"} servers${shared === undefined ? "" : `: ${shared}`}`,
    ...(after === undefined ? [] : [`priority: ${after}`]),
    ...policyText(fleet),
  ];
}

/** Which policy was in force, and why none before it. */
function policyText({ policy, verdict, consulted }: Fleet): readonly string[] {
  if (!verdict || policy.chain.length === 0) return [];
  const failures = [...consulted].flatMap(([url, { failure }]) =>
    failure === null ? [] : [`webhook ${hostOf(url)}: ${failure}`],
  );
  const { entry, keep, buffer } = verdict;
  const said = keep
    ? `keeps ${String(keep.servers)} servers, because ${keep.reason}`
    : `keeps ${buffer.kind === "servers" ? `${String(buffer.servers)} servers` : percent(buffer.share)} free`;
  const name = entry === null ? "buffer, as no entry of the chain applies," : `entry ${entry} of the chain`;
  return [`policy: ${name} ${said}`, ...verdict.passed.map((text) => `policy: ${text}`), ...failures];
}

/** A plan in a few words, as `forge why` shows the newest one. */
export function planText({ action, by, reasons }: ScalingPlan): string {
  return `${action === "hold" ? "no change" : `${action} by ${String(by)}`}: ${reasons.join("; ")}`;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

function percent(value: number): string {
  return `${String(Math.round(value * 100))} %`;
}
