import { z } from "zod";
import type { Consul } from "../../../clients/consul";
import type { SharedDocument, Stored } from "../../document";

const entries = z.array(z.object({ Value: z.string(), ModifyIndex: z.number() })).min(1);

/** A key of Consul's KV; written by check-and-set, so that of two controllers one is refused. */
export class KvDocument<T> implements SharedDocument<T> {
  readonly place: string;
  private readonly path: string;

  constructor(
    private readonly consul: Pick<Consul, "json" | "watch">,
    key: string,
  ) {
    this.place = `Consul KV ${key}`;
    this.path = `/v1/kv/${key}`;
  }

  async read(): Promise<Stored | undefined> {
    const signal = AbortSignal.timeout(5000);
    // Not `stale`: what is a moment old would be judged by the facts of now.
    const options = { index: 0, waitSecs: 0, signal, query: { consistent: true } };
    const { value } = await this.consul.watch<unknown>(this.path, options);
    if (value === undefined) return undefined;
    const [entry] = entries.parse(value);
    if (entry === undefined) return undefined;
    return { value: JSON.parse(Buffer.from(entry.Value, "base64").toString("utf8")), revision: entry.ModifyIndex };
  }

  async write(value: T, revision: number): Promise<number | undefined> {
    const isWritten = await this.consul.json<boolean>("PUT", this.path, {
      query: { cas: revision },
      body: JSON.stringify(value),
    });
    if (!isWritten) return undefined;
    return (await this.read())?.revision;
  }
}
