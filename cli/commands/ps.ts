import type { Fleet, QueueEntry, Region, Server, Session, SessionState } from "../../controller/core/resources";
import type { Fields, ForgeApi, Listed } from "../api";
import {
  byName,
  explainedColumns,
  fleetColumns,
  idsWhole,
  queueColumns,
  regionColumns,
  serverColumns,
  sessionColumns,
  withVersions,
} from "../columns";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { type Column, renderTable } from "../table";

interface PsOptions {
  readonly sessions?: boolean;
  readonly regions?: boolean;
  readonly fleets?: boolean;
  readonly queue?: boolean;
  readonly all?: boolean;
  readonly experience?: string;
  readonly state?: string;
}

export const register: Register = (command, context) => {
  command
    .option("--sessions", "list sessions instead of servers")
    .option("--regions", "list regions")
    .option("--fleets", "list fleets: size, seats and queue of each experience and region")
    .option("--queue", "list who waits for a seat")
    .option("--all", "servers and sessions that have ended too, as long as they are remembered")
    .option("--experience <id>", "only of this experience")
    .option("--state <state>", "only servers or sessions in this state")
    .action((options: PsOptions) => run(options, context));
};

async function run(options: PsOptions, context: CliContext): Promise<void> {
  const { region } = context.options;
  const asked = (["sessions", "regions", "fleets", "queue"] as const).filter((kind) => options[kind] === true);
  if (asked.length > 1) {
    const flags = asked.map((kind) => `--${kind}`).join(" and ");
    throw new CliError("usage", EXIT.badInput, `${flags} are different lists`, "ask for one of them at a time");
  }
  const view = VIEWS[asked[0] ?? "servers"];
  const listed = await view(await context.api(), { region, options, context });
  for (const { region: name, reason } of listed.missing) {
    context.note(`region ${name} is missing from this list: ${reason}`);
  }
}

interface Ask {
  readonly region: string | undefined;
  readonly options: PsOptions;
  readonly context: CliContext;
}

type View = (api: ForgeApi, ask: Ask) => Promise<Listed<unknown>>;

const VIEWS: Readonly<Record<"servers" | "sessions" | "regions" | "fleets" | "queue", View>> = {
  async servers(api, { region, options, context }) {
    const { experience, state, all } = options;
    const query: Fields = { region, experienceId: experience };
    const ended = all === true && state === undefined;
    const found = ended ? await withEnded(api, query) : await api.list<Server>("/v1/servers", { ...query, state });
    await requireExperience(found, api, { region, experience });
    const plainly = (ended || state !== undefined ? explainedColumns : serverColumns)(context.paints, context.io.now());
    const columns = idsWhole(withVersions(plainly, found.items), ["MEMORY", "CPU", "AGE", "PLAYERS", "EXPERIENCE"]);
    return show(found, everything, ({ id }) => id, columns, "no servers", context);
  },
  async sessions(api, { region, options, context }) {
    const { experience, state, all } = options;
    requireSessionState(state);
    const found = await api.list<Session>("/v1/sessions", { region, experienceId: experience });
    await requireExperience(found, api, { region, experience });
    const keep = ({ state: is }: Session) => (state === undefined ? all === true || is !== "ended" : is === state);
    const columns = idsWhole(sessionColumns(context.io.now()), ["LOSS", "LATENCY", "MOVES", "SINCE"]);
    return show(found, keep, ({ id }) => id, columns, "no sessions", context);
  },
  async regions(api, { region, context }) {
    const found = await api.get<{ readonly items: readonly Region[] }>("/v1/regions", { region });
    const listed = { items: found.items, missing: [] };
    return show(listed, everything, ({ name }) => name, regionColumns(context.paints), "no regions", context);
  },
  async fleets(api, { region, options, context }) {
    const { experience } = options;
    const found = await api.list<Fleet>("/v1/fleets", { region });
    const keep = ({ experienceId }: Fleet) => experience === undefined || experienceId === experience;
    requireFleet(found, { region, experience });
    const nameOf = (fleet: Fleet) => `${fleet.experienceId} ${fleet.region}`;
    // While a version is taken in, how far that is comes before what is on its way.
    const lesser = found.items.some(({ rollout }) => rollout !== null) ? ["IN USE", "COMING", "GOING"] : [];
    return show(found, keep, nameOf, idsWhole(fleetColumns(context.paints), lesser), "no fleets", context);
  },
  async queue(api, { region, options, context }) {
    const query: Fields = { region, experienceId: options.experience };
    const found = await api.list<QueueEntry>("/v1/queue", query);
    await requireExperience(found, api, { region, experience: options.experience });
    return show(found, everything, ({ since }) => since, queueColumns(context.io.now()), "nobody waits", context);
  },
};

/** A controller lists what has ended only where asked for it alone. Asked last: what ends in between is not left out. */
async function withEnded(api: ForgeApi, query: Fields): Promise<Listed<Server>> {
  const there = await api.list<Server>("/v1/servers", query);
  const ended = await api.list<Server>("/v1/servers", { ...query, state: "terminated" });
  const items = new Map([...there.items, ...ended.items].map((server) => [server.id, server]));
  const missing = new Map([...there.missing, ...ended.missing].map((region) => [region.region, region]));
  return { items: [...items.values()], missing: [...missing.values()] };
}

/** A server's state is the controller's to check; sessions are chosen here. */
const SESSION_STATES: Readonly<Record<SessionState, true>> = {
  queued: true,
  reserved: true,
  active: true,
  migrating: true,
  ended: true,
};

function requireSessionState(state: string | undefined): void {
  if (state === undefined || Object.hasOwn(SESSION_STATES, state)) return;
  const fix = `use one of ${Object.keys(SESSION_STATES).join(", ")}`;
  throw new CliError("usage", EXIT.badInput, `--state: sessions have no state ${JSON.stringify(state)}`, fix);
}

interface Wanted {
  readonly region: string | undefined;
  readonly experience: string | undefined;
}

/** Tells an experience that has nothing from one that there is not; what was left behind by one that is gone is listed. */
async function requireExperience(found: Listed<unknown>, api: ForgeApi, wanted: Wanted): Promise<void> {
  if (wanted.experience === undefined || found.items.length > 0 || found.missing.length > 0) return;
  requireFleet(await api.list<Fleet>("/v1/fleets", { region: wanted.region }), wanted);
}

/** @throws {CliError} where all regions answered, and none has the experience */
function requireFleet({ items, missing }: Listed<Fleet>, { region, experience }: Wanted): void {
  if (experience === undefined || missing.length > 0) return;
  if (items.some(({ experienceId }) => experienceId === experience)) return;
  const known = [...new Set(items.map(({ experienceId }) => experienceId))].sort();
  const where = region === undefined ? "the run" : `region ${region}`;
  const fix = known.length === 0 ? "forge.toml names the experiences" : `there is ${known.join(", ")}`;
  throw new CliError(
    "unknownExperience",
    EXIT.notFound,
    `${where} has no experience ${JSON.stringify(experience)}`,
    fix,
  );
}

const everything = (): boolean => true;

function show<T>(
  listed: Listed<T>,
  keep: (item: T) => boolean,
  nameOf: (item: T) => string,
  columns: readonly Column<T>[],
  none: string,
  context: CliContext,
): Listed<T> {
  const items = byName(listed.items.filter(keep), nameOf);
  const { width, paints } = context;
  context.print({ items, missing: listed.missing }, () =>
    items.length === 0 ? none : renderTable(columns, items, { width, paintTitle: paints.dim }),
  );
  return listed;
}
