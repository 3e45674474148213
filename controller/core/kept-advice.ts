import type { Advice } from "./chain";
import type { Fleet } from "./fleet";

/**
 * What scaling webhooks said last, by url, as a leader leaves it to the next one; null: never anything good. Of one that is
 * not in there nobody knows: it was told to a version of Forge that kept none, or that could not be read.
 */
export type KeptAdvice = Readonly<Record<string, Advice | null>>;

export function keptAdvice(fleet: Fleet): KeptAdvice {
  const known = webhooksOf(fleet).filter((url) => !fleet.unheard.has(url));
  return Object.fromEntries(
    known.map((url) => {
      const { scale, replicas, atMs } = fleet.advice.get(url) ?? { scale: false, replicas: 0, atMs: null };
      return [url, atMs === null ? null : { scale, replicas, atMs }];
    }),
  );
}

/** A leader begins: what it heard as one before is another's by now, and what it asked then is answered to nobody. */
export function beginUnheard(fleet: Fleet): void {
  fleet.consulted.clear();
  fleet.found = 0;
  fleet.unheard.clear();
  for (const [url, advice] of fleet.advice) fleet.advice.set(url, { ...advice, before: true });
  for (const url of webhooksOf(fleet)) if (!fleet.advice.has(url)) fleet.unheard.add(url);
}

/** So many servers it found: as long as it does not know what a webhook said of them, the next entry takes none away. */
export function noteFound(fleet: Fleet): void {
  fleet.found = [...fleet.servers].filter(({ ending, state }) => ending === null && state !== "unhealthy").length;
  // It is as good as the first.
  if (fleet.found === 0) fleet.unheard.clear();
}

/** What was answered to this leader itself is newer than anything that was kept. */
export function restoreAdvice(fleet: Fleet, kept: KeptAdvice = {}): void {
  for (const [url, advice] of Object.entries(kept)) {
    fleet.unheard.delete(url);
    if (advice && fleet.advice.get(url)?.before !== undefined) fleet.advice.delete(url);
    if (advice && !fleet.advice.has(url)) fleet.advice.set(url, { ...advice, before: true });
  }
}

function webhooksOf({ config, policy }: Fleet): string[] {
  const chain = [...(config?.scaling.chain ?? []), ...policy.chain];
  return [...new Set(chain.flatMap(({ webhook }) => webhook?.url ?? []))];
}
