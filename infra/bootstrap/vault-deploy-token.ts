import { vaultAuthMount } from "../../config/region-names";
import { HttpStatusError } from "../../clients/http-json";
import { writeWhole } from "../local/region-folder";
import { tokenFile, tokenOf } from "../local/token-files";
import { TOKEN_HEADER, type Bootstrap, type StepReport } from "./bootstrap";
import { lostKey, readVaultKeys, writeVaultKeys } from "./vault-key-file";
import { revokeSelf, withRootToken } from "./vault-root";

const DISPLAY_NAME = "forge-deploy";
/** It lives as long as it is used at least this often: 32 days. */
const PERIOD = "768h";

/**
 * The token that stacks and the run's secrets are written with: this region's mounts, auth method and policies, and
 * nothing else. The root token ends with it; a later one is made from the unseal key, for a moment.
 */
export async function bootstrapVaultToken(bootstrap: Bootstrap): Promise<StepReport> {
  const { vault, folder } = bootstrap;
  const known = tokenOf(folder, "vault");
  if (known !== undefined && (await renews(bootstrap, known))) {
    await dropFirstRoot(bootstrap);
    return [];
  }
  const keys = readVaultKeys(folder);
  if (keys?.state !== "kept") throw lostKey(folder, "is not there");
  if (keys.rootToken === undefined) {
    await withRootToken(vault, keys.unsealKey, (root) => makeToken(bootstrap, root));
  } else {
    await makeToken(bootstrap, keys.rootToken);
    await dropFirstRoot(bootstrap);
  }
  return ["Vault has a token for deploying; its root token is revoked"];
}

async function makeToken(bootstrap: Bootstrap, root: string): Promise<void> {
  const { vault, folder, region } = bootstrap;
  const headers = { [TOKEN_HEADER.vault]: root };
  const policy = deployPolicyName(region);
  await vault.json("PUT", `/v1/sys/policies/acl/${policy}`, { headers, body: { policy: deployPolicy(region) } });
  bootstrap.reached("vault: policy");
  const body = { policies: [policy], period: PERIOD, no_parent: true, display_name: DISPLAY_NAME };
  const { auth } = await vault.json<{ readonly auth: { readonly client_token: string; readonly accessor: string } }>(
    "POST",
    "/v1/auth/token/create",
    { headers, body },
  );
  bootstrap.reached("vault: token made");
  writeWhole(tokenFile(folder, "vault"), auth.client_token);
  bootstrap.reached("vault: token written");
  await revokeOlder(vault, headers, auth.accessor);
}

/** Tokens of the same name whose secret was lost, or that this one comes after. */
async function revokeOlder(vault: Bootstrap["vault"], headers: Record<string, string>, own: string): Promise<void> {
  const list = await vault.json<{ readonly data: { readonly keys: readonly string[] } }>(
    "LIST",
    "/v1/auth/token/accessors",
    { headers },
  );
  for (const accessor of list.data.keys) {
    if (accessor === own) continue;
    const found = await vault
      .json<{ readonly data: { readonly display_name: string } }>("POST", "/v1/auth/token/lookup-accessor", {
        headers,
        body: { accessor },
      })
      .catch(ignoreGone);
    if (found?.data.display_name !== `token-${DISPLAY_NAME}`) continue;
    await vault.answer("POST", "/v1/auth/token/revoke-accessor", { headers, body: { accessor } });
  }
}

async function renews({ vault }: Bootstrap, token: string): Promise<boolean> {
  try {
    await vault.json("POST", "/v1/auth/token/renew-self", { headers: { [TOKEN_HEADER.vault]: token }, body: {} });
    return true;
  } catch (error) {
    if (error instanceof HttpStatusError && [400, 403, 404].includes(error.status)) return false;
    throw error;
  }
}

/** The root token of the initialisation: revoked first, then forgotten, so that no living one is forgotten. */
async function dropFirstRoot(bootstrap: Bootstrap): Promise<void> {
  const { vault, folder } = bootstrap;
  const keys = readVaultKeys(folder);
  if (keys?.state !== "kept" || keys.rootToken === undefined) return;
  await revokeSelf(vault, keys.rootToken).catch(ignoreGone);
  bootstrap.reached("vault: root revoked");
  writeVaultKeys(folder, { state: "kept", unsealKey: keys.unsealKey });
  bootstrap.reached("vault: root forgotten");
}

function ignoreGone(error: unknown): undefined {
  if (error instanceof HttpStatusError && [400, 403, 404].includes(error.status)) return undefined;
  throw error;
}

/** Not one of the names that the policy itself lets its holder write. */
export function deployPolicyName(region: string): string {
  return `deploy-${region}`;
}

/** All that deploying a region has to do in its Vault. */
export function deployPolicy(region: string): string {
  const all = '["create", "read", "update", "patch", "delete", "list"]';
  const sudo = '["create", "read", "update", "delete", "list", "sudo"]';
  const auth = vaultAuthMount(region);
  const own = `forge-${region}-*`;
  const rules: readonly (readonly [string, string])[] = [
    [`${own}`, all],
    ["sys/mounts", '["read", "list"]'],
    [`sys/mounts/${own}`, all],
    ["sys/auth", '["read", "list"]'],
    [`sys/auth/${auth}`, sudo],
    [`sys/auth/${auth}/*`, sudo],
    [`sys/mounts/auth/${auth}`, all],
    [`sys/mounts/auth/${auth}/*`, all],
    [`auth/${auth}/*`, all],
    ["sys/policies/acl", '["list"]'],
    [`sys/policies/acl/${own}`, all],
    ["sys/audit", '["read", "list", "sudo"]'],
    [`sys/audit/${own}`, sudo],
    // The provider works with a short-lived child of this token.
    ["auth/token/create", '["create", "update"]'],
  ];
  return rules.map(([path, capabilities]) => `path "${path}" { capabilities = ${capabilities} }\n`).join("");
}
