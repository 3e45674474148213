import * as z from "zod";
import type { Clock } from "../protocol/clock";
import { HttpJson, HttpStatusError, type HttpCall, type HttpMethod } from "./http-json";
import { Login, type GrantedToken } from "./login";
import { identityFile, readCa, readIdentity } from "./workload-identity";

export interface VaultAccess {
  readonly address: string;
  readonly ca?: string | undefined;
  readonly authMount: string;
  readonly role: string;
  readonly identityFile?: string | undefined;
}

export interface VaultDeps {
  readonly clock: Clock;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const CALL_MS = 5000;
const granted = z.object({ auth: z.object({ client_token: z.string().min(1), lease_duration: z.number() }) });

/** A region's Vault (or OpenBao), into which a program logs in with its workload identity. */
export class Vault {
  private readonly http: HttpJson;
  private readonly session: Login;

  constructor(access: VaultAccess, deps: VaultDeps) {
    const { address, ca, authMount, role } = access;
    this.http = new HttpJson({ address, ca: readCa(ca), name: "Vault" });
    this.session = new Login({
      ...deps,
      login: async () => {
        const jwt = readIdentity(access.identityFile ?? identityFile(deps.env, "vault"));
        return this.grant(`/v1/auth/${authMount}/login`, { body: { role, jwt } });
      },
      renew: (token) => this.grant("/v1/auth/token/renew-self", { body: {}, ...withToken(token) }),
    });
  }

  /** A token that is refused is given up, and the call made once more with another. */
  async json<T>(method: HttpMethod, path: string, call: HttpCall = {}): Promise<T> {
    const token = await this.session.token();
    const bounded = { timeoutMs: CALL_MS, ...call };
    try {
      return await this.http.json<T>(method, path, { ...bounded, ...withToken(token) });
    } catch (error) {
      if (!(error instanceof HttpStatusError) || error.status !== 403) throw error;
      this.session.refused(token);
      return this.http.json<T>(method, path, { ...bounded, ...withToken(await this.session.token()) });
    }
  }

  /** Ends every connection; calls under way fail. */
  close(): Promise<void> {
    return this.http.close();
  }

  private async grant(path: string, call: HttpCall): Promise<GrantedToken> {
    const { auth } = granted.parse(await this.http.json("POST", path, { timeoutMs: CALL_MS, ...call }));
    // 0: it does not end.
    return { token: auth.client_token, lifeSecs: auth.lease_duration > 0 ? auth.lease_duration : undefined };
  }
}

function withToken(token: string): Pick<HttpCall, "headers"> {
  return { headers: { "x-vault-token": token } };
}
