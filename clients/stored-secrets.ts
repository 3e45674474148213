import * as z from "zod";
import type { Clock } from "../protocol/clock";
import { HttpJson } from "./http-json";
import type { NomadSecretsSource, VaultSecretsSource } from "./secrets-source";
import { Vault } from "./vault";
import { identityFile, readCa, readIdentity } from "./workload-identity";

export interface SecretsWorld {
  readonly clock: Clock;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Where secrets are kept, read anew each time. */
export interface SecretsStore {
  /** @throws {Error} where it cannot be read, naming what and why */
  read(): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

const CALL_MS = 5000;
const texts = z.record(z.string(), z.string());
const kvItem = z.object({ data: z.object({ data: texts }) });
const variable = z.object({ Items: texts });

/** The item in a KV v2 mount of Vault. */
export function vaultSecrets(source: VaultSecretsSource, world: SecretsWorld): SecretsStore {
  const vault = new Vault(source, world);
  return {
    read: async () => kvItem.parse(await vault.json("GET", `/v1/${source.kvMount}/data/${source.kvPath}`)).data.data,
    close: () => vault.close(),
  };
}

/** The variables of a program's own job, which its task may read without a policy, over its own socket. */
export function nomadSecrets(source: NomadSecretsSource, { env }: SecretsWorld): SecretsStore {
  const { namespace, job, address = `unix://${env["NOMAD_SECRETS_DIR"] ?? ""}/api.sock`, ca } = source;
  const http = new HttpJson({
    address,
    ca: readCa(ca),
    name: "Nomad",
    headers: () => ({ "x-nomad-token": readIdentity(source.identityFile ?? identityFile(env)) }),
  });
  const call = { query: { namespace }, timeoutMs: CALL_MS };
  return {
    read: async () => variable.parse(await http.json("GET", `/v1/var/nomad/jobs/${job}`, call)).Items,
    close: () => http.close(),
  };
}
