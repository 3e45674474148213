import type { Fleet, Server } from "../../controller/core/resources";
import { DemandChecks } from "../checks/demand";
import type { ControllerHost } from "../controller-host";
import type { VirtualRegion } from "../region";
import type { World } from "../world";
import { drawScene, type Scene } from "./scene";
import { Visitor } from "./visitors";

/** Who played before has gone, and sizes are as forge.toml has them. */
const SETTLE_MS = 8000;
/** Every controller has read another forge.toml. */
const HEARD_MS = 2000;
/** Until something changes, and after it. */
const HALF_MS = 40_000;
const LOOK_MS = 500;
const REBOOT_MS = 1000;

/**
 * A region at rest, in which nothing fails any more but, now and then, its leader: what is asked of it is drawn, and stays the
 * same for a while. Whoever can be served then has to be served, and nothing goes to and fro.
 */
export async function playDemand(world: World, region: VirtualRegion): Promise<void> {
  const random = world.random.fork("demand");
  const scene = drawScene(region.settings, region.players.length, random);
  await world.runFor(SETTLE_MS);
  region.configure(scene.settings);
  await world.runFor(random.chance(0.5) ? SETTLE_MS : HEARD_MS);
  const visitors = scene.wants.flatMap((want, i) => {
    const player = region.players[i];
    return player ? [new Visitor(player, want, world.schedule, random)] : [];
  });
  const checks = new DemandChecks(world, region, visitors);
  world.watches.push(checks);
  // Before anybody plays, or while they do.
  world.schedule.after(random.pick([0, 1000, SETTLE_MS]) ?? 0, undefined, () => put(region, scene.puts));
  await half(world, region, checks);
  region.configure(scene.later);
  put(region, scene.laterPuts);
  if (scene.takeover) takeOver(region);
  checks.changed();
  await half(world, region, checks);
}

async function half(world: World, region: VirtualRegion, checks: DemandChecks): Promise<void> {
  for (let passed = 0; passed < HALF_MS && world.violations.length === 0; passed += LOOK_MS) {
    await world.runFor(LOOK_MS);
    const { leader } = region;
    if (!leader?.core?.places) checks.changed();
    else checks.look(await read(leader, "listServers"), await read(leader, "listFleets"));
  }
}

function put(region: VirtualRegion, puts: Scene["puts"]): void {
  const [first, ...rest] = puts;
  if (!first) return;
  region.client.ask(
    () => ({ type: "putFleet", ...first }),
    () => put(region, rest),
  );
}

function takeOver({ leader, network }: VirtualRegion): void {
  leader?.kill();
  network.schedule.after(REBOOT_MS, undefined, () => leader?.boot());
}

async function read<T extends "listServers" | "listFleets">(
  leader: ControllerHost,
  type: T,
): Promise<T extends "listServers" ? readonly Server[] : readonly Fleet[]> {
  const result = await leader.command({ type });
  if (!result.ok) throw new Error(`${type}: ${result.problem.detail}`);
  return result.value as Awaited<ReturnType<typeof read<T>>>;
}
