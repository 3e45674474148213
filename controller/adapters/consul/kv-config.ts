import { z } from "zod";
import { watchConsul, type ConsulWatchDeps } from "../../../clients/consul-watch";
import { configKey } from "../../../config/region-names";

const entries = z.array(z.object({ Value: z.string().nullable() })).min(1);

/**
 * The region's live configuration: calls back with the text of the forge.toml in KV, when Consul first answers and after
 * each change. Where the key is missing or gone, what was in force stays. The result ends it.
 */
export function followKvConfig(region: string, onText: (text: string) => void, deps: ConsulWatchDeps): () => void {
  let last: string | undefined;
  const onValue = (value: unknown): void => {
    const read = entries.safeParse(value);
    const text = read.success ? Buffer.from(read.data[0]?.Value ?? "", "base64").toString("utf8") : undefined;
    if (text === undefined || text === last) return;
    last = text;
    onText(text);
  };
  return watchConsul(`/v1/kv/${configKey(region)}`, onValue, deps);
}
