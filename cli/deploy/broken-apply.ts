import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { HttpJson } from "../../clients/http-json";

/**
 * The mark of an apply: the addresses of what it is to make, kept while it is under way. One that is there before a plan
 * is of an apply that was killed. Terraform writes its state after each answer, so what was being made then may be there
 * without the state knowing; only what such a mark names is ever taken for that.
 */
export class ApplyMark {
  private readonly file: string;

  /** @param folder that Terraform works in for one stack */
  constructor(folder: string) {
    this.file = join(folder, "applying.json");
  }

  begin(addresses: readonly string[]): void {
    mkdirSync(dirname(this.file), { recursive: true });
    writeFileSync(this.file, JSON.stringify(addresses), { mode: 0o600 });
  }

  end(): void {
    rmSync(this.file, { force: true });
  }

  /** Of an apply that did not end by itself; empty where there is none. */
  left(): readonly string[] {
    try {
      return z.array(z.string()).parse(JSON.parse(readFileSync(this.file, "utf8")));
    } catch {
      return [];
    }
  }
}

/** The systems of the stack's region, as who deploys it. */
export interface DeployedSystems {
  readonly consul: Pick<HttpJson, "json">;
  readonly vault: Pick<HttpJson, "json">;
}

type Look = (config: Readonly<Record<string, unknown>>, systems: DeployedSystems) => Promise<string | undefined>;

const named = z.array(z.object({ ID: z.string().optional(), Name: z.string() }));
const rules = z.array(z.object({ ID: z.string(), Description: z.string() }));
const paths = z.object({ data: z.record(z.string(), z.unknown()) });

const inConsul =
  (path: string): Look =>
  async ({ name }, { consul }) => {
    const found = named.parse(await consul.json("GET", path)).find(({ Name }) => Name === name);
    return found?.ID ?? found?.Name;
  };
const inVault =
  (path: string): Look =>
  async ({ path: name }, { vault }) => {
    const { data } = paths.parse(await vault.json("GET", path));
    return typeof name === "string" && Object.hasOwn(data, `${name}/`) ? name : undefined;
  };

/**
 * How a provider's import calls what there is already, for the kinds that their systems do not let be made twice. All
 * other kinds in Forge's stacks are written over.
 */
const LOOKS: Readonly<Record<string, Look>> = {
  consul_acl_policy: inConsul("/v1/acl/policies"),
  consul_acl_role: inConsul("/v1/acl/roles"),
  consul_acl_auth_method: inConsul("/v1/acl/auth-methods"),
  consul_acl_binding_rule: async ({ description }, { consul }) =>
    rules.parse(await consul.json("GET", "/v1/acl/binding-rules")).find((rule) => rule.Description === description)?.ID,
  vault_mount: inVault("/v1/sys/mounts"),
  vault_jwt_auth_backend: inVault("/v1/sys/auth"),
  vault_audit: inVault("/v1/sys/audit"),
};

/** Whether any of them is of a kind that has to be looked for. Of a stack without one the systems may not be there yet. */
export function mayCollide(addresses: readonly string[]): boolean {
  return addresses.some((address) => Object.hasOwn(LOOKS, address.split(".")[0] ?? ""));
}

/** Of kinds that their provider cannot import: what takes them away, so that they can be made again. */
const REMOVALS: Readonly<Record<string, string>> = {
  consul_acl_auth_method: "/v1/acl/auth-method/",
  consul_acl_binding_rule: "/v1/acl/binding-rule/",
};

/** Takes an orphan away where it cannot be imported. @returns false where it can be */
export async function removeOrphan({ address, id }: Orphan, { consul }: DeployedSystems): Promise<boolean> {
  const path = REMOVALS[address.split(".")[0] ?? ""];
  if (path === undefined) return false;
  await consul.json("DELETE", `${path}${encodeURIComponent(id)}`);
  return true;
}

/** Something that there is, without Terraform's state knowing; `id` is what its provider's import calls it. */
export interface Orphan {
  readonly address: string;
  readonly id: string;
}

const stackSchema = z.looseObject({
  resource: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).default({}),
});

/**
 * What a killed apply has made without the state knowing.
 *
 * @param left what its mark names
 * @param known addresses in the state
 * @param stack Terraform's JSON of the stack
 * @throws {Error} where a system does not answer or refuses
 */
export async function findOrphans(
  left: readonly string[],
  known: readonly string[],
  stack: unknown,
  systems: DeployedSystems,
): Promise<readonly Orphan[]> {
  const { resource } = stackSchema.parse(stack);
  const orphans: Orphan[] = [];
  for (const address of left.filter((each) => !known.includes(each))) {
    const [type = "", name = ""] = address.split(".");
    const [look, config] = [LOOKS[type], resource[type]?.[name]];
    const id = look && config && (await look(config, systems));
    if (id !== undefined) orphans.push({ address, id });
  }
  return orphans;
}
