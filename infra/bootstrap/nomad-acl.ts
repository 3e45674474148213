import { HttpStatusError } from "../../clients/http-json";
import { InfraError } from "../failure";
import { writeWhole } from "../local/region-folder";
import { tokenFile, tokenOf } from "../local/token-files";
import { TOKEN_HEADER, type Bootstrap, type StepReport } from "./bootstrap";
import { newUuid } from "./new-uuid";
import { resetIndexIn } from "./reset-index";

/**
 * Nomad's first management token. Its secret is chosen here and on the disk before Nomad hears of it, so an answer that
 * gets lost takes nothing with it. Where Nomad has another first token than this (the file was lost), the bootstrap is
 * opened again through the server's own data folder, and the token before it is removed.
 *
 * @throws {InfraError} `wrongToken` where Nomad refuses even so
 */
export async function bootstrapNomad(bootstrap: Bootstrap): Promise<StepReport> {
  const { folder, host } = bootstrap;
  const known = tokenOf(folder, "nomad");
  if (known !== undefined && (await isManagement(bootstrap, known))) return [];
  const secret = known ?? newUuid(host);
  if (known === undefined) {
    writeWhole(tokenFile(folder, "nomad"), secret);
    bootstrap.reached("nomad: secret written");
  }
  try {
    await ask(bootstrap, secret);
  } catch (error) {
    const index = error instanceof HttpStatusError ? resetIndexIn(error.text) : undefined;
    if (index === undefined) throw error;
    writeWhole(folder.data("nomad-server/server/acl-bootstrap-reset"), index);
    bootstrap.reached("nomad: reset written");
    await ask(bootstrap, secret);
    await removeOlder(bootstrap, secret);
  }
  bootstrap.reached("nomad: bootstrapped");
  if (await isManagement(bootstrap, secret)) return ["Nomad's ACL is in force"];
  const fix = "remove the region with `infra down REGION --purge` and start anew";
  throw new InfraError("wrongToken", `Nomad does not take the token in ${tokenFile(folder, "nomad")}`, fix);
}

async function ask({ nomad }: Bootstrap, secret: string): Promise<void> {
  await nomad.json("POST", "/v1/acl/bootstrap", { body: { BootstrapSecret: secret } });
}

async function isManagement({ nomad }: Bootstrap, secret: string): Promise<boolean> {
  try {
    const headers = { [TOKEN_HEADER.nomad]: secret };
    const self = await nomad.json<{ readonly Type?: string }>("GET", "/v1/acl/token/self", { headers });
    return self.Type === "management";
  } catch (error) {
    if (error instanceof HttpStatusError && [400, 401, 403, 404].includes(error.status)) return false;
    throw error;
  }
}

interface TokenStub {
  readonly AccessorID: string;
  readonly Name?: string;
}

/** A first token whose secret nobody has any more is no good in the list of those who may do everything. */
async function removeOlder({ nomad }: Bootstrap, secret: string): Promise<void> {
  const headers = { [TOKEN_HEADER.nomad]: secret };
  const own = await nomad.json<TokenStub>("GET", "/v1/acl/token/self", { headers });
  const all = await nomad.json<readonly TokenStub[]>("GET", "/v1/acl/tokens", { headers });
  for (const { AccessorID, Name } of all) {
    if (Name !== "Bootstrap Token" || AccessorID === own.AccessorID) continue;
    await nomad.json("DELETE", `/v1/acl/token/${AccessorID}`, { headers });
  }
}
