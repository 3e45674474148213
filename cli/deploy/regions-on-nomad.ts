import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import type { HttpJson } from "../../clients/http-json";
import type { RegionConfig } from "../../config/config";
import { engineOfEnv } from "../../config/engine-name";
import { loadConfig } from "../../config/load";
import { regionEndpoints } from "../../config/region-endpoints";
import { programJobId, systemNamespace } from "../../config/region-names";
import { readRunSecrets, runSecretsFile } from "../../infra/embedded/run-secrets-file";
import { systemClient } from "../../infra/system-client";
import { formatAddress } from "../../protocol/address";
import { errorMessage } from "../error-code";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import type { RunFile } from "../run-file";
import { parseStackId } from "./stack-names";
import { StackStore } from "./stack-store";

/** What it takes to call a run's controllers as its operator. */
export type RunAccess = Pick<RunFile, "url" | "regions" | "tokenKey">;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The regions that were deployed on Nomad from a folder, or the nearest above it that has some. A controller's address is
 * what forge.toml says, else where Nomad has placed it; tokens are made with the run's key in `.forge/secrets`, so whoever
 * can read that file is their operator.
 *
 * @param file forge.toml, where it was named; else the one of that folder
 * @returns undefined where none was deployed
 * @throws {CliError} where there are some, and not one controller is found
 */
export async function regionsOnNomad(
  from: string,
  env: Environment,
  file: string | undefined,
): Promise<RunAccess | undefined> {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const names = deployedIn(folder);
    const secrets = names.length === 0 ? undefined : readRunSecrets(runSecretsFile(folder));
    if (secrets !== undefined) {
      const regions = await addressesOf(names, folder, env, file ?? join(folder, "forge.toml"));
      const [url = ""] = Object.values(regions);
      return { url, regions, tokenKey: secrets.token };
    }
    if (dirname(folder) === folder) return undefined;
  }
}

/** Of a region on the embedded engine no jobs are deployed. */
function deployedIn(folder: string): readonly string[] {
  if (!existsSync(join(folder, ".forge", "terraform"))) return [];
  const stacks = new StackStore(folder).deployed().flatMap((id) => parseStackId(id) ?? []);
  return stacks.filter(({ part }) => part === "jobs").map(({ region }) => region);
}

async function addressesOf(
  names: readonly string[],
  folder: string,
  env: Environment,
  file: string,
): Promise<Readonly<Record<string, string>>> {
  const found: [string, string][] = [];
  const missing: string[] = [];
  for (const region of regionsOf(names, file, env)) {
    try {
      found.push([region.name, region.url ?? (await placedAt(region, folder, env))]);
    } catch (error) {
      missing.push(`${region.name}: ${errorMessage(error)}`);
    }
  }
  if (found.length > 0) return Object.fromEntries(found);
  throw new CliError(
    "unreachable",
    EXIT.unreachable,
    `${names.join(", ")} ${names.length === 1 ? "is" : "are"} deployed on Nomad, and no controller is found (${missing.join("; ")})`,
    "set NOMAD_TOKEN as for a deploy, write the region's `url` in forge.toml, or name a controller with --addr",
  );
}

/** Whatever engine the file has for them: jobs of theirs are deployed, so they were put on Nomad by an option. */
function regionsOf(names: readonly string[], file: string, env: Environment): readonly RegionConfig[] {
  const load = (engine: "nomad" | "embedded" | undefined) =>
    loadConfig({ file, env, flags: { engine }, readFile: (path) => readFileSync(path, "utf8") }).config.regions;
  const own = load(engineOfEnv(env));
  const onNomad = own.some(({ name, engine }) => names.includes(name) && engine === "embedded") ? load("nomad") : own;
  return names.flatMap((name) => {
    const chosen = own.find((region) => region.name === name && region.engine === "nomad");
    return chosen ?? onNomad.find((region) => region.name === name) ?? [];
  });
}

const stubs = z.array(z.object({ ID: z.string(), ClientStatus: z.string() }));
const allocation = z.object({
  AllocatedResources: z.object({
    Shared: z.object({ Ports: z.array(z.object({ Label: z.string(), Value: z.number(), HostIP: z.string() })) }),
  }),
});

async function placedAt(region: RegionConfig, folder: string, env: Environment): Promise<string> {
  const nomad = systemClient(regionEndpoints(region, folder).nomad, env);
  try {
    const addresses = await controllersOf(region, nomad);
    const [first] = addresses;
    if (first === undefined) throw new Error("its job has no controller that runs");
    return first;
  } finally {
    await nomad.close();
  }
}

async function controllersOf(region: RegionConfig, nomad: HttpJson): Promise<readonly string[]> {
  const query = { namespace: systemNamespace(region) };
  const job = programJobId(region.name, "controller");
  const found = stubs.parse(await nomad.json("GET", `/v1/job/${job}/allocations`, { query }));
  const running = found.filter(({ ClientStatus }) => ClientStatus === "running");
  return Promise.all(
    running.map(async ({ ID }) => {
      const { AllocatedResources } = allocation.parse(await nomad.json("GET", `/v1/allocation/${ID}`, { query }));
      const api = AllocatedResources.Shared.Ports.find(({ Label }) => Label === "api");
      if (api === undefined) throw new Error(`allocation ${ID} of job ${job} has no port for the API`);
      return `${region.tls ? "https" : "http"}://${formatAddress({ host: api.HostIP, port: api.Value })}`;
    }),
  );
}
