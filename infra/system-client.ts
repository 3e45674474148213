import { readFileSync } from "node:fs";
import { HttpJson } from "../clients/http-json";
import type { SystemEndpoint } from "../config/region-endpoints";
import { readIfThere } from "./local/region-folder";

const HEADERS = {
  NOMAD_TOKEN: ["Nomad", "x-nomad-token"],
  CONSUL_HTTP_TOKEN: ["Consul", "x-consul-token"],
  VAULT_TOKEN: ["Vault", "x-vault-token"],
} as const;

/** A client of one of a region's systems as who deploys it: with the token of its file, else of the environment. Close it. */
export function systemClient(
  { address, caFile, tokenFile, tokenEnv }: SystemEndpoint,
  env: Readonly<Record<string, string | undefined>>,
): HttpJson {
  const [name, header] = HEADERS[tokenEnv];
  const token = (tokenFile === undefined ? undefined : readIfThere(tokenFile)?.trim()) ?? env[tokenEnv];
  return new HttpJson({
    name,
    address,
    ca: caFile === undefined ? undefined : readFileSync(caFile, "utf8"),
    headers: () => (token === undefined || token === "" ? {} : { [header]: token }),
  });
}
