import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { HttpJson } from "../../clients/http-json";
import { engineOfEnv } from "../../config/engine-name";
import { loadConfig } from "../../config/load";
import { regionEndpoints, type SystemEndpoint } from "../../config/region-endpoints";
import { gameServerJobId } from "../../config/region-names";
import { endServers } from "./end-servers";

const USAGE = "end-servers [--config FILE] [--engine nomad] REGION";

/** `end-servers REGION`: what the stack `REGION-jobs` runs when it is destroyed, between the controller and the jobs. */
async function main(): Promise<void> {
  const options = { config: { type: "string", default: "forge.toml" }, engine: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [name] = positionals;
  if (name === undefined) throw new Error(`no region was named: ${USAGE}`);
  const file = resolve(values.config);
  const flags = { engine: values.engine === "nomad" ? ("nomad" as const) : engineOfEnv(process.env) };
  const { config } = loadConfig({ file, env: process.env, flags, readFile: (path) => readFileSync(path, "utf8") });
  const region = config.regions.find((each) => each.name === name);
  if (region === undefined) throw new Error(`${file} has no region "${name}"`);

  const { nomad: at } = regionEndpoints(region, dirname(file));
  const nomad = new HttpJson({
    name: "Nomad",
    address: at.address,
    ca: at.caFile === undefined ? undefined : readFileSync(at.caFile, "utf8"),
    headers: () => tokenHeader(at),
  });
  try {
    const of = { namespace: region.nomad.namespace, jobPrefix: gameServerJobId(name, "x").slice(0, -1) };
    const ended = await endServers(of, { nomad, now: () => Date.now(), pause: (ms) => pause(ms) });
    process.stderr.write(`${name}: ${ended} game servers ended\n`);
  } finally {
    await nomad.close();
  }
}

function tokenHeader({ tokenFile, tokenEnv }: SystemEndpoint): Readonly<Record<string, string>> {
  const token = tokenFile === undefined ? process.env[tokenEnv] : readFileSync(tokenFile, "utf8").trim();
  return token === undefined || token === "" ? {} : { "x-nomad-token": token };
}

main().catch((error: unknown) => {
  process.stderr.write(`end-servers: ${(error as Error).message}\n`);
  process.exitCode = 1;
});
