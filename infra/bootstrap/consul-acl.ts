import { HttpStatusError } from "../../clients/http-json";
import { InfraError } from "../failure";
import { writeWhole } from "../local/region-folder";
import { tokenFile, tokenOf } from "../local/token-files";
import { TOKEN_HEADER, type Bootstrap, type StepReport } from "./bootstrap";
import { resetIndexIn } from "./reset-index";

/**
 * Consul's first management token. Consul 1.8 chooses its secret itself, so an answer that got lost is asked for again by
 * opening the bootstrap through the server's own data folder; the token whose secret nobody has is removed.
 *
 * @throws {InfraError} `wrongToken` where the token of the file is not taken
 */
export async function bootstrapConsul(bootstrap: Bootstrap): Promise<StepReport> {
  const { folder } = bootstrap;
  const known = tokenOf(folder, "consul");
  if (known !== undefined) {
    if (await isTaken(bootstrap, known)) {
      await removeOlder(bootstrap, known);
      return [];
    }
    const fix = "bring the file back, or remove the region with `infra down REGION --purge` and start anew";
    throw new InfraError("wrongToken", `Consul does not take the token in ${tokenFile(folder, "consul")}`, fix);
  }
  const secret = await firstToken(bootstrap);
  bootstrap.reached("consul: bootstrapped");
  writeWhole(tokenFile(folder, "consul"), secret);
  bootstrap.reached("consul: token written");
  await removeOlder(bootstrap, secret);
  return ["Consul's ACL is in force"];
}

async function firstToken(bootstrap: Bootstrap): Promise<string> {
  const { folder } = bootstrap;
  try {
    return await ask(bootstrap);
  } catch (error) {
    const index = error instanceof HttpStatusError ? resetIndexIn(error.text) : undefined;
    if (index === undefined) throw error;
    writeWhole(folder.data("consul/acl-bootstrap-reset"), index);
    bootstrap.reached("consul: reset written");
    return ask(bootstrap);
  }
}

/** A new leader answers 500 until it has set its ACL up. */
const PATIENCE = { tries: 40, everyMs: 250 };

async function ask({ consul, host }: Bootstrap): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { SecretID } = await consul.json<{ readonly SecretID: string }>("PUT", "/v1/acl/bootstrap");
      return SecretID;
    } catch (error) {
      const early = error instanceof HttpStatusError && error.status >= 500;
      if (!early || attempt === PATIENCE.tries) throw error;
      await host.pause(PATIENCE.everyMs);
    }
  }
}

async function isTaken({ consul }: Bootstrap, secret: string): Promise<boolean> {
  try {
    await consul.json("GET", "/v1/acl/token/self", { headers: { [TOKEN_HEADER.consul]: secret } });
    return true;
  } catch (error) {
    if (error instanceof HttpStatusError && [401, 403, 404].includes(error.status)) return false;
    throw error;
  }
}

interface TokenStub {
  readonly AccessorID: string;
  readonly Description?: string;
}

async function removeOlder({ consul }: Bootstrap, secret: string): Promise<void> {
  const headers = { [TOKEN_HEADER.consul]: secret };
  const own = await consul.json<TokenStub>("GET", "/v1/acl/token/self", { headers });
  const all = await consul.json<readonly TokenStub[]>("GET", "/v1/acl/tokens", { headers });
  for (const { AccessorID, Description } of all) {
    if (AccessorID === own.AccessorID || Description?.startsWith("Bootstrap Token") !== true) continue;
    await consul.json("DELETE", `/v1/acl/token/${AccessorID}`, { headers });
  }
}
