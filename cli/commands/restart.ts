import type { Fleet, Server } from "../../controller/core/resources";
import type { ForgeApi } from "../api";
import type { CliContext, Register } from "../context";
import { endServer, peopleOn } from "../end-server";
import { EXIT } from "../exit-code";
import { ApiError, CliError } from "../failure";

/** How long the new server may take to be ready. */
const READY_MS = 300_000;
const LOOK_MS = 500;
/** Codes that say: as many run as may. The old one then goes first. */
const NO_ROOM = new Set(["noCapacity", "conflict"]);

export const register: Register = (command, context) => {
  command
    .argument("<server>", "id of the server")
    .option("--reason <text>", "for the events")
    .addHelpText(
      "after",
      "\nA new server of the same experience is started and waited for; then the players of the old one are moved and it\n" +
        "is stopped. A world, a fleet role, and a fleet that is at its maximum have no room for two: there the old one\n" +
        "goes first and the fleet starts the next.",
    )
    .action((server: string, { reason }: { readonly reason?: string }) => run(server, reason, context));
};

async function run(serverId: string, reason = "restarted by hand", context: CliContext): Promise<void> {
  const api = await context.api();
  const old = await api.get<Server>(`/v1/servers/${encodeURIComponent(serverId)}`);
  if (old.state === "terminated") {
    const fix = `\`forge spawn ${old.experienceId} --region ${old.region}\` starts a new one`;
    throw new CliError("alreadyTerminated", EXIT.failed, `${old.id} has ended already: ${old.reason}`, fix);
  }
  const before = await siblings(api, old);
  const first = (await hasRoom(api, old)) ? await startFirst(api, old, context) : undefined;
  const stopped = await endServer(api, old.id, { drain: 0, reason });
  const started = first ?? (await replacement(api, old, new Set(before.map(({ id }) => id)), context));
  context.print({ stopped, started }, () => [
    `${started.id} is ${started.state} in place of ${stopped.id}`,
    `${stopped.id} is ${stopped.state}: ${peopleOn(stopped)} to move, then it stops`,
  ]);
}

/** Whether a second one may run beside it for a moment. */
async function hasRoom(api: ForgeApi, { experienceId, region, role }: Server): Promise<boolean> {
  if (role !== "server") return false;
  const fleet = await api.get<Fleet>(`/v1/fleets/${encodeURIComponent(experienceId)}`, { region });
  return fleet.kind === "match";
}

async function startFirst(
  api: ForgeApi,
  { experienceId, region, version, maxPlayers, labels }: Server,
  context: CliContext,
): Promise<Server | undefined> {
  context.onTerminal("waiting for the new server to be ready; Ctrl-C leaves it to start, and the old one as it is");
  try {
    return await api.json<Server>({
      method: "POST",
      path: "/v1/servers",
      query: { wait: "ready" },
      timeoutMs: READY_MS,
      // Of the same version, whichever is taken in meanwhile: who plays on it may know no other.
      body: { experienceId, region, version, maxPlayers, labels },
    });
  } catch (error) {
    if (!(error instanceof ApiError && NO_ROOM.has(error.code))) throw error;
    context.note(`there is no room for a second one (${error.message}): the old one goes first`);
    return undefined;
  }
}

async function replacement(
  api: ForgeApi,
  old: Server,
  before: ReadonlySet<string>,
  context: CliContext,
): Promise<Server> {
  const { io } = context;
  const until = io.now() + READY_MS;
  for (let told = false; io.now() < until; await io.sleep(LOOK_MS)) {
    const fresh = (await siblings(api, old)).filter(({ id }) => !before.has(id));
    const ready = fresh.find(({ state }) => state !== "starting" && state !== "terminated" && state !== "unhealthy");
    if (ready !== undefined) return ready;
    if (!told) context.note("waiting for the fleet to start the next one");
    told = true;
  }
  const fix = `\`forge why ${old.experienceId} --region ${old.region}\` says what the fleet decided`;
  throw new CliError(
    "deadlineExceeded",
    EXIT.failed,
    `no server took the place of ${old.id} in ${READY_MS / 1000} s`,
    fix,
  );
}

/** Servers of the same experience and role. */
async function siblings(api: ForgeApi, { experienceId, region, role }: Server): Promise<readonly Server[]> {
  const { items } = await api.list<Server>("/v1/servers", { region, experienceId });
  return items.filter((server) => server.role === role);
}
