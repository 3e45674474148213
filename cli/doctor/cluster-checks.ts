import { HttpStatusError, HttpUnreachable, type HttpJson } from "../../clients/http-json";
import type { RegionConfig } from "../../config/config";
import { regionEndpoints, type SystemEndpoint } from "../../config/region-endpoints";
import { vaultPlaces } from "../../config/region-vault";
import { compareVersions, PROGRAM_NEEDS, versionIn } from "../../infra/programs";
import { systemClient } from "../../infra/system-client";
import type { Check } from "./check";

type Environment = Readonly<Record<string, string | undefined>>;

/** What asks a system, and says what it found; throws what the system answers otherwise. */
type Look = (client: HttpJson) => Promise<string>;

/**
 * Whether the systems of a cluster that somebody else runs would take a deploy: each answers, has a leader, is unsealed, new
 * enough, and lets in the token of the environment. Of a region whose hosts are this machine `REGION-infra` sees to all that.
 *
 * @param folder of the forge.toml
 */
export async function clusterChecks(region: RegionConfig, folder: string, env: Environment): Promise<readonly Check[]> {
  if (region.engine !== "nomad" || region.hosts !== "existing") return [];
  const { nomad, consul, vault } = regionEndpoints(region, folder);
  const of = (system: string): string => `${system} of ${region.name}, closer`;
  return Promise.all([
    check(of("Nomad"), nomad, env, lookAtNomad(region)),
    check(of("Consul"), consul, env, lookAtConsul),
    ...(vaultPlaces(region) === undefined ? [] : [check(of("Vault"), vault, env, lookAtVault)]),
  ]);
}

async function check(name: string, endpoint: SystemEndpoint, env: Environment, look: Look): Promise<Check> {
  const client = systemClient(endpoint, env);
  try {
    return { name, status: "ok", detail: await look(client) };
  } catch (error) {
    return { name, status: "problem", ...explained(error, endpoint) };
  } finally {
    await client.close();
  }
}

/** Something that a system said in a good answer and that is in a deploy's way all the same. */
class InTheWay extends Error {
  constructor(
    message: string,
    readonly fix: string,
  ) {
    super(message);
  }
}

const ELECT = "wait until its servers have elected one, or bring most of them back";

function lookAtNomad({ nomad: { namespace } }: RegionConfig): Look {
  return async (client) => {
    await client.json("GET", "/v1/jobs", { query: { namespace, per_page: 1 } });
    return `has a leader and lets this token into namespace ${namespace}${await newEnough(client, "nomad")}`;
  };
}

const lookAtConsul: Look = async (client) => {
  if ((await client.json<string>("GET", "/v1/status/leader")) === "") throw new InTheWay("has no leader", ELECT);
  return `has a leader${await newEnough(client, "consul")}`;
};

const lookAtVault: Look = async (client) => {
  const query = { standbyok: true, perfstandbyok: true };
  const { version } = await client.json<{ readonly version: string }>("GET", "/v1/sys/health", { query });
  await client.json("GET", "/v1/auth/token/lookup-self");
  return `is unsealed and knows this token, ${version}`;
};

/** What it says of its version; nothing where this token may not ask. */
async function newEnough(client: HttpJson, name: "nomad" | "consul"): Promise<string> {
  let text: string;
  try {
    ({ text } = await client.answer("GET", "/v1/agent/self"));
  } catch (error) {
    if (error instanceof HttpStatusError && error.status === 403) return "";
    throw error;
  }
  const version = versionIn(/"Version":\s*"(\d[^"]*)"/.exec(text)?.[1] ?? "");
  const wanted = PROGRAM_NEEDS[name].least[name] ?? "0.0.0";
  if (version === undefined || compareVersions(version, wanted) >= 0)
    return version === undefined ? "" : `, ${version}`;
  throw new InTheWay(`is ${version}, and Forge needs ${wanted} or newer`, "update it");
}

function explained(error: unknown, { address, tokenEnv }: SystemEndpoint): Pick<Check, "detail" | "fix"> {
  if (error instanceof InTheWay) return { detail: error.message, fix: error.fix };
  if (error instanceof HttpUnreachable)
    return { detail: `nothing answers at ${address}`, fix: "start it, or correct its address in forge.toml" };
  if (!(error instanceof HttpStatusError)) throw error;
  const { status, text } = error;
  if (/No cluster leader/i.test(text)) return { detail: "has no leader", fix: ELECT };
  if (status === 501) return { detail: "is not initialised", fix: "its administrator runs `vault operator init`" };
  if (status === 503) return { detail: "is sealed", fix: "unseal it: `vault operator unseal`" };
  if (status === 401 || status === 403)
    return {
      detail: `refuses the token in ${tokenEnv}, or there is none`,
      fix: `set ${tokenEnv} to a token of the policy that \`forge plan --policy\` prints`,
    };
  return { detail: error.message, fix: "see its own log" };
}
