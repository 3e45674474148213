import { setTimeout as pause } from "node:timers/promises";
import { HttpStatusError, HttpUnreachable, type HttpJson } from "../../clients/http-json";
import { isProgramJob, programJobId, type RegionProgram } from "../../config/region-names";
import type { VaultPlaces } from "../../config/region-vault";
import { InfraError } from "../failure";

/** The run's three secrets. */
export interface RunSecretValues {
  readonly shared: string;
  readonly ticket: string;
  readonly token: string;
}

type Kept = Readonly<Record<string, string>>;

/** A mount that was made a moment ago answers 400 until it is ready. */
const PATIENCE = { tries: 40, everyMs: 250 };

/**
 * Writes the run's secrets into a region's Vault, where its programs read them. What stood there before is kept beside as
 * `previous…`, for programs that have not looked yet. Whoever writes at the same time is not overwritten (`cas`).
 *
 * @param vault with a token that may write there
 * @returns whether anything had to be written
 * @throws {InfraError} `wrongToken`, `sealed` or `agentSilent`, with what to do
 */
export async function placeInVault(
  vault: HttpJson,
  { kvMount, kvPath }: Pick<VaultPlaces, "kvMount" | "kvPath">,
  secrets: RunSecretValues,
): Promise<boolean> {
  const path = `/v1/${kvMount}/data/${kvPath}`;
  return explained("Vault", "VAULT_TOKEN", async () => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { data, version } = await readVault(vault, path);
        const wanted = withPrevious(data, { ...secrets });
        if (wanted === undefined) return false;
        await vault.json("POST", path, { body: { options: { cas: version }, data: wanted } });
        return true;
      } catch (error) {
        if (!(error instanceof HttpStatusError && error.status === 400) || attempt === PATIENCE.tries) throw error;
        await pause(PATIENCE.everyMs);
      }
    }
  });
}

/** Which of them each program gets: no more than it uses. */
const NEEDED: Readonly<Record<RegionProgram, readonly (keyof RunSecretValues)[]>> = {
  controller: ["shared", "ticket", "token"],
  agent: ["shared", "ticket"],
  gate: ["shared"],
};

/** Where a region's programs run. */
export interface ProgramsPlace {
  readonly region: string;
  readonly namespace: string;
}

/**
 * The same where the region's Vault is not Forge's: into the variables of the programs' jobs, which their tasks may read
 * without a policy.
 *
 * @param gateJob the version of the gate that is about to be deployed; those that have variables already get them anyway
 */
export async function placeInNomad(
  nomad: HttpJson,
  place: ProgramsPlace,
  secrets: RunSecretValues,
  gateJob?: string,
): Promise<boolean> {
  return explained("Nomad", "NOMAD_TOKEN", async () => {
    const there = (await programVariables(nomad, place)).filter(({ program }) => program === "gate");
    const gates = new Set([...there.map(({ job }) => job), ...(gateJob === undefined ? [] : [gateJob])]);
    const jobs = [
      ...(["controller", "agent"] as const).map((program) => ({ program, job: programJobId(place.region, program) })),
      ...[...gates].map((job) => ({ program: "gate" as const, job })),
    ];
    let written = false;
    for (const { program, job } of jobs) {
      const Path = `nomad/jobs/${job}`;
      const query = { namespace: place.namespace };
      const { items, index } = await readVariable(nomad, Path, query);
      const wanted = withPrevious(items, Object.fromEntries(NEEDED[program].map((name) => [name, secrets[name]])));
      if (wanted === undefined) continue;
      const body = { Namespace: place.namespace, Path, Items: wanted };
      await nomad.json("PUT", `/v1/var/${Path}`, { query: { ...query, cas: index }, body });
      written = true;
    }
    return written;
  });
}

/** Takes them out of Nomad's variables. @returns whether there were any */
export async function removeFromNomad(nomad: HttpJson, place: ProgramsPlace): Promise<boolean> {
  return explained("Nomad", "NOMAD_TOKEN", async () => {
    const there = await programVariables(nomad, place);
    const query = { namespace: place.namespace };
    for (const { job } of there) await nomad.json("DELETE", `/v1/var/nomad/jobs/${job}`, { query });
    return there.length > 0;
  });
}

async function programVariables(
  nomad: HttpJson,
  { region, namespace }: ProgramsPlace,
): Promise<readonly { readonly program: RegionProgram; readonly job: string }[]> {
  const query = { namespace, prefix: "nomad/jobs/" };
  const found = await nomad.json<readonly { readonly Path: string }[]>("GET", "/v1/vars", { query });
  return found.flatMap(({ Path }) => {
    const job = Path.slice(query.prefix.length);
    const program = (["controller", "agent", "gate"] as const).find((each) => isProgramJob(job, region, each));
    return program === undefined ? [] : [{ program, job }];
  });
}

/** What is to be written; undefined where it stands there already. */
export function withPrevious(there: Kept, wanted: Kept): Kept | undefined {
  const changed = Object.keys(wanted).filter((name) => there[name] !== wanted[name]);
  if (changed.length === 0) return undefined;
  const previous = changed.flatMap((name): [string, string][] => {
    const before = there[name];
    return before === undefined ? [] : [[`previous${name[0]?.toUpperCase() ?? ""}${name.slice(1)}`, before]];
  });
  return { ...wanted, ...Object.fromEntries(previous) };
}

async function readVault(vault: HttpJson, path: string): Promise<{ readonly data: Kept; readonly version: number }> {
  try {
    const { data } = await vault.json<{ data: { data: Kept | null; metadata: { version: number } } }>("GET", path);
    return { data: data.data ?? {}, version: data.metadata.version };
  } catch (error) {
    if (!(error instanceof HttpStatusError && error.status === 404)) throw error;
    // A deleted version is a 404 that tells its number.
    const version = Number(/"version":\s*(\d+)/.exec(error.text)?.[1] ?? 0);
    return { data: {}, version };
  }
}

async function readVariable(
  nomad: HttpJson,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<{ readonly items: Kept; readonly index: number }> {
  try {
    const { Items, ModifyIndex } = await nomad.json<{ readonly Items: Kept; readonly ModifyIndex: number }>(
      "GET",
      `/v1/var/${path}`,
      { query },
    );
    return { items: Items, index: ModifyIndex };
  } catch (error) {
    if (error instanceof HttpStatusError && error.status === 404) return { items: {}, index: 0 };
    throw error;
  }
}

async function explained<T>(system: string, variable: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HttpUnreachable) {
      throw new InfraError(
        "agentSilent",
        error.message,
        "start it (`infra up REGION` on this machine), then run the same again",
        {
          cause: error,
        },
      );
    }
    if (!(error instanceof HttpStatusError)) throw error;
    if (error.status === 503) {
      const fix = "unseal it (`infra up REGION` on this machine), then run the same again";
      throw new InfraError("sealed", `${system} is sealed or has no leader: ${error.text}`, fix, { cause: error });
    }
    if (error.status === 401 || error.status === 403) {
      const fix = `run \`infra bootstrap REGION\` on this machine; for a cluster of others set ${variable} to a token that may write there`;
      throw new InfraError("wrongToken", `${system} refuses the token: ${error.message}`, fix, { cause: error });
    }
    throw error;
  }
}
