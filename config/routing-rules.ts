import type { ExperienceToml } from "./experience-schema";
import type { Path } from "./problem";
import type { RuleFinding } from "./rule";

/** A latency limit that grows needs a limit, a pace and room to grow into. At most one finding: the others follow from it. */
export function routingRules(at: Path, { routing }: ExperienceToml): readonly RuleFinding[] {
  const { max_latency_ms: limit, relax_ms_per_sec: pace, relax_to_ms: end } = routing;
  const path = [...at, "routing"];
  const place = (key: keyof typeof routing): Path => [...path, key];
  if (pace > 0 && limit === undefined) {
    const problem = "grows a limit that is not there: without max_latency_ms nobody waits for a near region";
    const fix = "add max_latency_ms, or remove it";
    return [{ path: place("relax_ms_per_sec"), value: pace, problem, fix, about: [place("max_latency_ms")] }];
  }
  if (end === undefined) return [];
  if (pace === 0) {
    const problem = "ends a growth that never begins: relax_ms_per_sec is 0";
    const fix = limit === undefined ? "add max_latency_ms and relax_ms_per_sec" : "add relax_ms_per_sec";
    const about = [place("relax_ms_per_sec"), place("max_latency_ms")];
    return [{ path: place("relax_to_ms"), value: end, problem, fix: `${fix}, or remove it`, about }];
  }
  if (limit === undefined || end >= limit) return [];
  return [
    {
      path: place("relax_to_ms"),
      value: end,
      problem: `is below max_latency_ms, ${limit}, from which the limit grows`,
      fix: `write more than ${limit}`,
      about: [place("max_latency_ms")],
    },
  ];
}
