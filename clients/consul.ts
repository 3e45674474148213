import * as z from "zod";
import type { Clock } from "../protocol/clock";
import type { ConsulAccess } from "./consul-access";
import { HttpJson, HttpStatusError, type HttpAnswer, type HttpCall, type HttpMethod } from "./http-json";
import { Login, type GrantedToken } from "./login";
import { identityFile, readCa, readIdentity } from "./workload-identity";

export interface ConsulDeps {
  readonly clock: Clock;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Watched<T> {
  readonly index: number;
  /** Undefined where there is nothing (404). */
  readonly value: T | undefined;
}

const granted = z.object({ SecretID: z.string().min(1), ExpirationTime: z.iso.datetime({ offset: true }).optional() });

/** One node's Consul agent. Where Consul has ACL the program logs in with its workload identity, and again when it must. */
export class Consul {
  private readonly http: HttpJson;
  private readonly session: Login | undefined;

  constructor(access: ConsulAccess, deps: ConsulDeps) {
    const { address, ca, authMethod } = access;
    this.http = new HttpJson({ address, ca: readCa(ca), name: "Consul" });
    if (authMethod !== undefined)
      this.session = new Login({ ...deps, login: () => this.login(access, authMethod, deps) });
  }

  /** Grows with each token: services that were registered with an earlier one are to be registered again. */
  get tokens(): number {
    return this.session?.generation ?? 0;
  }

  async json<T>(method: HttpMethod, path: string, call: HttpCall = {}): Promise<T> {
    const { text } = await this.answer(method, path, call);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** A token that is refused is given up, and the call made once more with another. */
  async answer(method: HttpMethod, path: string, call: HttpCall = {}): Promise<HttpAnswer> {
    const { session } = this;
    if (!session) return this.http.answer(method, path, call);
    const token = await session.token();
    try {
      return await this.http.answer(method, path, withToken(call, token));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      session.refused(token);
      return this.http.answer(method, path, withToken(call, await session.token()));
    }
  }

  /** Waits until something has changed since `index`, at most `waitSecs`; index 0 answers at once. */
  async watch<T>(
    path: string,
    {
      index,
      waitSecs,
      signal,
      query,
    }: { index: number; waitSecs: number; signal: AbortSignal; query?: HttpCall["query"] },
  ): Promise<Watched<T>> {
    const blocking = index > 0 ? { index, wait: `${String(waitSecs)}s` } : {};
    // Consul adds up to a sixteenth to the wait.
    const timeoutMs = index > 0 ? waitSecs * 1100 + 5000 : undefined;
    const call = { query: { ...query, ...blocking }, signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    try {
      const { headers, text } = await this.answer("GET", path, call);
      return { index: nextIndex(headers, index), value: JSON.parse(text) as T };
    } catch (error) {
      if (!(error instanceof HttpStatusError) || error.status !== 404) throw error;
      return { index: nextIndex(error.headers, index), value: undefined };
    }
  }

  /** Ends every connection; calls under way fail. */
  close(): Promise<void> {
    return this.http.close();
  }

  private async login(access: ConsulAccess, authMethod: string, { env, clock }: ConsulDeps): Promise<GrantedToken> {
    const identity = readIdentity(access.identityFile ?? identityFile(env, "consul"));
    const body = { AuthMethod: authMethod, BearerToken: identity };
    const { SecretID, ExpirationTime } = granted.parse(await this.http.json("POST", "/v1/acl/login", { body }));
    const lifeSecs = ExpirationTime === undefined ? undefined : (Date.parse(ExpirationTime) - clock.now()) / 1000;
    return { token: SecretID, lifeSecs };
  }
}

function withToken(call: HttpCall, token: string): HttpCall {
  return { ...call, headers: { ...call.headers, "x-consul-token": token } };
}

/** 403: the token is not known any more, or may not do this; a new one may. */
function isRefusal(error: unknown): boolean {
  return error instanceof HttpStatusError && error.status === 403;
}

/** As Consul's rules for blocking queries have it: an index that went back starts anew, and 0 never blocks. */
function nextIndex(headers: HttpAnswer["headers"], before: number): number {
  const index = Number(headers["x-consul-index"]);
  if (!Number.isSafeInteger(index) || index < 1) return 0;
  return index < before ? 0 : index;
}
