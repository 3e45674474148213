import { z } from "zod";
import type { Consul } from "../../../clients/consul";
import { watchConsul, type ConsulWatchDeps } from "../../../clients/consul-watch";
import { HttpStatusError } from "../../../clients/http-json";
import { epochKey, leaderKey } from "../../../config/region-names";
import { LockLost, type LeaderLock, type LockView } from "./leader-lock";
import type { LeaderName } from "./lock-state";

export interface ConsulLockDeps extends Omit<ConsulWatchDeps, "consul"> {
  readonly consul: Pick<Consul, "json" | "watch">;
  readonly region: string;
  readonly leader: LeaderName;
  /** The TTL check of this controller's service, which it must exist with. */
  readonly checkId: string;
  /** Registers that service with its check, if it is not there. */
  readonly register: () => Promise<void>;
}

const CALL_MS = 1500;
/** Consul needs a moment to tell its servers of a check; a session cannot name it before. */
const CHECK_TRIES = 20;
const CHECK_PAUSE_MS = 100;

const entry = z.object({
  Session: z.string().optional(),
  Value: z.string().nullable().optional(),
  ModifyIndex: z.number(),
});
const entries = z.array(entry);
const created = z.object({ ID: z.string().min(1) });
const leaderName = z.object({ controllerId: z.string(), url: z.string() });

/** The region's lock as a key in Consul KV, held by a session that ends with a check of this controller. */
export class ConsulLock implements LeaderLock {
  private readonly lockPath: string;
  private readonly epochPath: string;

  constructor(private readonly deps: ConsulLockDeps) {
    this.lockPath = `/v1/kv/${leaderKey(deps.region)}`;
    this.epochPath = `/v1/kv/${epochKey(deps.region)}`;
  }

  async makeSession(): Promise<string> {
    await this.deps.register();
    await this.feed();
    for (let tries = 1; ; tries++) {
      try {
        return await this.createSession();
      } catch (error) {
        const early = error instanceof HttpStatusError && /Missing check|critical/i.test(error.text);
        if (!early || tries >= CHECK_TRIES) throw error;
        await new Promise<void>((resolve) => this.deps.clock.after(CHECK_PAUSE_MS, resolve));
        await this.feed();
      }
    }
  }

  async feed(): Promise<void> {
    try {
      await this.put(`/v1/agent/check/pass/${this.deps.checkId}`);
    } catch (error) {
      // Consul's agent answers 500 or 404 where it has no such check: it lost its memory.
      if (
        error instanceof HttpStatusError &&
        /unknown check|does not have associated TTL|404/i.test(`${error.status} ${error.text}`)
      )
        throw new LockLost(error.message);
      throw error;
    }
  }

  async look(): Promise<LockView> {
    const found = await this.read(this.lockPath);
    return { holder: found?.Session, leader: leaderOf(found?.Value) };
  }

  async acquire(session: string): Promise<boolean> {
    try {
      return await this.put<boolean>(this.lockPath, { acquire: session }, JSON.stringify(this.deps.leader));
    } catch (error) {
      if (error instanceof HttpStatusError && /invalid session/i.test(error.text)) throw new LockLost(error.message);
      throw error;
    }
  }

  async raise(session: string, above: number, keep: number | undefined): Promise<number> {
    const found = await this.read(this.epochPath);
    const used = numberOf(found?.Value);
    const next = keep !== undefined && keep === used ? keep : Math.max(above, used) + 1;
    const Key = (path: string): string => path.slice("/v1/kv/".length);
    // Both or neither: nobody who has lost the lock can use up an epoch, and nobody can use one twice.
    const operations = [
      { KV: { Verb: "check-session", Key: Key(this.lockPath), Session: session } },
      {
        KV: {
          Verb: "cas",
          Key: Key(this.epochPath),
          Value: Buffer.from(String(next)).toString("base64"),
          Index: found?.ModifyIndex ?? 0,
        },
      },
    ];
    try {
      await this.put("/v1/txn", {}, operations);
      return next;
    } catch (error) {
      if (error instanceof HttpStatusError && error.status === 409) throw new LockLost(error.message);
      throw error;
    }
  }

  async endSession(session: string): Promise<void> {
    await this.put(this.lockPath, { release: session }, JSON.stringify(this.deps.leader));
    await this.put(`/v1/session/destroy/${session}`);
  }

  watch(onChange: () => void): () => void {
    return watchConsul(this.lockPath, onChange, this.deps);
  }

  private async createSession(): Promise<string> {
    const { region, checkId, leader } = this.deps;
    const body = {
      Name: `forge leader of ${region}: ${leader.controllerId}`,
      // The epoch makes a delay needless: what the leader before still does, agents refuse.
      LockDelay: "0s",
      Behavior: "release",
      NodeChecks: ["serfHealth"],
      ServiceChecks: [{ ID: checkId }],
    };
    return created.parse(await this.put("/v1/session/create", {}, body)).ID;
  }

  private async read(path: string): Promise<z.output<typeof entry> | undefined> {
    try {
      const query = { consistent: true };
      return entries.parse(await this.deps.consul.json("GET", path, { query, timeoutMs: CALL_MS }))[0];
    } catch (error) {
      if (error instanceof HttpStatusError && error.status === 404) return undefined;
      throw error;
    }
  }

  private put<T>(path: string, query: Readonly<Record<string, string>> = {}, body?: unknown): Promise<T> {
    return this.deps.consul.json<T>("PUT", path, { query, timeoutMs: CALL_MS, ...(body !== undefined && { body }) });
  }
}

function textOf(value: string | null | undefined): string {
  return Buffer.from(value ?? "", "base64").toString("utf8");
}

function numberOf(value: string | null | undefined): number {
  const epoch = Number.parseInt(textOf(value), 10);
  return Number.isSafeInteger(epoch) && epoch > 0 ? epoch : 0;
}

/** A lock that was taken by hand names nobody. */
function leaderOf(value: string | null | undefined): LeaderName | undefined {
  try {
    return leaderName.parse(JSON.parse(textOf(value)));
  } catch {
    return undefined;
  }
}
