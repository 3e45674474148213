import type { NomadClient } from "../../../clients/nomad";
import type { NomadJob } from "../../../clients/nomad-answers";
import { fleetRoleJobId, gameServerJobId } from "../../../config/region-names";
import { EngineError, type ServerLaunch } from "../../engine";

/** The role of what players join; every other role has a job of its own. */
const PRIMARY = "server";
const ROLE_KEY = /^role_(.+)$/;

/**
 * The parameterized jobs that servers are dispatched from, as Nomad has them: read when first needed and again when an
 * event says that they have changed.
 */
export class ParentJobs {
  private readonly jobs = new Map<string, NomadJob>();

  constructor(private readonly client: Pick<NomadClient, "job" | "namespace">) {}

  /** @throws {EngineError} `engineUnavailable` where Nomad has no such job (yet) */
  async of(launch: ServerLaunch): Promise<NomadJob> {
    const id = parentJobId(launch);
    const job = this.jobs.get(id) ?? (await this.client.job(id));
    if (job?.dispatchMeta === undefined || job.stopped) {
      const where = `namespace ${this.client.namespace}`;
      const what = job === undefined ? `has no job ${id} in ${where}` : `cannot dispatch job ${id} in ${where}`;
      throw new EngineError(
        "engineUnavailable",
        `Nomad ${what}, which servers of ${launch.experienceId} are started from: deploy the stack ${launch.region}-jobs`,
      );
    }
    this.jobs.set(id, job);
    return job;
  }

  /** Forgets a job that an event or an answer shows to be another now. */
  changed(id: string): void {
    this.jobs.delete(id);
  }
}

export function parentJobId({ region, experienceId, role }: ServerLaunch): string {
  return role === PRIMARY ? gameServerJobId(region, experienceId) : fleetRoleJobId(region, experienceId, role);
}

/**
 * The meta of a dispatch: what the launch brings, and what the job asks for beside it.
 * @throws {EngineError} where the job does not take it: it is of an earlier deploy, or of a later one
 */
export function dispatchMeta(launch: ServerLaunch, parent: NomadJob): Readonly<Record<string, string>> {
  const { required = [], optional = [] } = parent.dispatchMeta ?? {};
  const { serverId, experienceId, version, role, meta } = launch;
  const env = launch.tasks[0]?.env ?? {};
  const roles = optional.flatMap((key): [string, string][] => {
    const name = ROLE_KEY.exec(key)?.[1];
    const addresses = name === undefined ? undefined : env[`FORGE_ROLE_${name.toUpperCase()}`];
    return addresses === undefined ? [] : [[key, addresses]];
  });
  const maxPlayers = env["FORGE_MAX_PLAYERS"] ?? "0";
  const all: Record<string, string> = {
    ...{ maxPlayers, ...meta },
    ...{ serverId, experienceId, version, role },
    ...Object.fromEntries(roles),
  };
  const taken = new Set([...required, ...optional]);
  const refused = Object.keys(all).filter((key) => !taken.has(key));
  const missing = required.filter((key) => all[key] === undefined);
  if (refused.length === 0 && missing.length === 0) return all;
  const problems = [
    ...(refused.length === 0 ? [] : [`takes no meta ${refused.join(", ")}`]),
    ...(missing.length === 0 ? [] : [`asks for meta ${missing.join(", ")}`]),
  ];
  throw new EngineError(
    "engineUnavailable",
    `job ${parent.id} ${problems.join(" and ")}: it is not of this controller's version; deploy the stack ${launch.region}-jobs`,
  );
}

/**
 * What a job runs is what was deployed, but for the tag of an image that is its version.
 * @throws {EngineError} where an image differs
 */
export function checkImages(launch: ServerLaunch, parent: NomadJob): void {
  for (const { name, image, driver } of launch.tasks) {
    const task = parent.tasks.find((candidate) => candidate.name === name);
    if (driver !== "docker" || image === undefined || task === undefined) continue;
    // A job whose image names the version's tag this way runs every version.
    if (task.image.replace("${NOMAD_META_version}", launch.version) === image) continue;
    throw new EngineError(
      "programMissing",
      `job ${parent.id} runs image ${task.image}, not ${image}: write version ${launch.version} into forge.toml and deploy the stack ${launch.region}-jobs`,
    );
  }
}
