import { ForgeApi } from "../cli/api";
import type { Server, Session } from "../controller/core/resources";
import { readServer } from "../controller/adapters/embedded/server-record";
import type { JournalWatch } from "./journal-watch";
import { leadsNow, type ChaosRegion } from "./region";
import type { Stage } from "./stage";

const WITHIN_MS = 45_000;
const LOOK_MS = 500;

/**
 * P5: once the faults have stopped, actual equals desired. Waits for it, 45 s at most.
 * @returns what does not agree in the end; nothing where all is well
 */
export async function untilAgreed(
  stage: Stage,
  regions: readonly { readonly region: ChaosRegion; readonly watch: JournalWatch }[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const deadlineMs = Date.now() + WITHIN_MS;
  for (;;) {
    const wrong = (await Promise.all(regions.map((each) => disagreements(stage, each)))).flat();
    if (wrong.length === 0 || Date.now() > deadlineMs || signal.aborted) return wrong;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function disagreements(
  stage: Stage,
  { region, watch }: { readonly region: ChaosRegion; readonly watch: JournalWatch },
): Promise<readonly string[]> {
  const { name } = region.plan;
  const leads = await Promise.all(region.replicas.map(({ url }) => leadsNow(url)));
  if (leads.filter(Boolean).length !== 1) return [`${name}: ${String(leads.filter(Boolean).length)} controllers lead`];
  try {
    const token = stage.token("operator");
    const api = new ForgeApi({
      urls: [region.replicas[leads.indexOf(true)]?.url ?? ""],
      token: () => token,
      unreachableFix: () => "",
    });
    // Seats come and go while this is asked: what the journal has before and after is what has to be known.
    watch.look(0, false);
    const before = seatsOf([watch]);
    const { items: servers } = await api.list<Server>("/v1/servers", { region: name });
    const { items: sessions } = await api.list<Session>("/v1/sessions", { experienceId: "arena" });
    watch.look(0, false);
    const after = seatsOf([watch]);
    const running = (await stage.root.list()).filter(({ state }) => state === "running");
    const real = new Set(running.flatMap((entry) => readServer(entry, name)?.serverId ?? []));
    const own = sessions.filter((session) => session.region === name);
    return differences({ servers, sessions: own, real, before, after }).map((text) => `${name}: ${text}`);
  } catch (error) {
    return [`${name}: its leader does not answer: ${(error as Error).message}`];
  }
}

/** One region as its leader, its engine and the journals of its agents have it. */
export interface Views {
  readonly servers: readonly Server[];
  readonly sessions: readonly Session[];
  /** Ids of the servers that run. */
  readonly real: ReadonlySet<string>;
  /** Seats in the journals before the leader was asked, and after it had answered. */
  readonly before: Seats;
  readonly after: Seats;
}

/** @returns where they do not agree; nothing where all is well */
export function differences({ servers, sessions, real, before, after }: Views): readonly string[] {
  return [...ofServers(servers, real), ...ofSessions(sessions, before, after)];
}

function ofServers(servers: readonly Server[], real: ReadonlySet<string>): readonly string[] {
  const wrong: string[] = [];
  const live = servers.filter(({ state }) => state !== "terminated");
  const known = new Set(live.map(({ id }) => id));
  for (const id of real) if (!known.has(id)) wrong.push(`${id} runs and the leader does not know it`);
  for (const { id, state, reason } of live) {
    if (state === "suspect" || state === "unhealthy") wrong.push(`${id} is ${state}: ${reason}`);
    else if (state !== "starting" && state !== "draining" && !real.has(id))
      wrong.push(`the leader has ${id} as ${state} (${reason}), and it does not run`);
  }
  if (!live.some(({ state }) => state === "ready" || state === "allocated" || state === "reserved"))
    wrong.push("no server is ready");
  return wrong;
}

type Seats = ReadonlyMap<string, { readonly serverId: string; readonly generation: number }>;

function ofSessions(sessions: readonly Session[], before: Seats, after: Seats): readonly string[] {
  const wrong: string[] = [];
  const known = new Map(sessions.map((session) => [session.id, session]));
  for (const [id, { serverId, generation }] of after) {
    if (before.get(id)?.serverId !== serverId) continue;
    const session = known.get(id);
    if (session?.serverId !== serverId || session.generation !== generation)
      wrong.push(
        `${id} has a seat on ${serverId} with generation ${String(generation)}; the leader has ${
          session
            ? `it ${session.state} on ${String(session.serverId)} with ${String(session.generation)}`
            : "nothing of it"
        }`,
      );
  }
  for (const { id, state, serverId, reason } of sessions) {
    if (state === "migrating") wrong.push(`${id} is migrating: ${reason}`);
    else if ((state === "active" || state === "reserved") && !before.has(id) && !after.has(id))
      wrong.push(`the leader seats ${id} (${state}) on ${String(serverId)}; the agent does not`);
  }
  return wrong;
}

/** By session: where it sits by the journals. */
export function seatsOf(watches: readonly JournalWatch[]): Seats {
  const seats = new Map<string, { serverId: string; generation: number }>();
  for (const { truth } of watches)
    for (const server of truth.servers.values())
      if (server.gone === undefined)
        for (const { sessionId, generation } of server.seats.values())
          seats.set(sessionId, { serverId: server.expect.serverId, generation });
  return seats;
}
