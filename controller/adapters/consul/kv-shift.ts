import { z } from "zod";
import type { Consul } from "../../../clients/consul";
import { shiftKey } from "../../../config/region-names";
import type { ShiftPlan } from "../../core/shift-plan";
import type { ShiftStore, StoredShift } from "../../shift/shift-store";

const entries = z.array(z.object({ Value: z.string(), ModifyIndex: z.number() })).min(1);

/** A region's shift in Consul KV; written by check-and-set, so that of two controllers one is refused. */
export class KvShiftStore implements ShiftStore {
  private readonly path: string;

  constructor(
    private readonly consul: Pick<Consul, "json" | "watch">,
    region: string,
  ) {
    this.path = `/v1/kv/${shiftKey(region)}`;
  }

  async read(): Promise<StoredShift | undefined> {
    const signal = AbortSignal.timeout(5000);
    // Not `stale`: a plan that is a moment old would be judged by the measures of now.
    const options = { index: 0, waitSecs: 0, signal, query: { consistent: true } };
    const { value } = await this.consul.watch<unknown>(this.path, options);
    if (value === undefined) return undefined;
    const [entry] = entries.parse(value);
    if (entry === undefined) return undefined;
    return { plan: JSON.parse(Buffer.from(entry.Value, "base64").toString("utf8")), revision: entry.ModifyIndex };
  }

  async write(plan: ShiftPlan, revision: number): Promise<number | undefined> {
    const isWritten = await this.consul.json<boolean>("PUT", this.path, {
      query: { cas: revision },
      body: JSON.stringify(plan),
    });
    if (!isWritten) return undefined;
    return (await this.read())?.revision;
  }
}
