import { MAX_COUNTS, MAX_LIST_BYTES } from "./count-limits";
import type { ExperienceToml } from "./experience-schema";
import type { Path } from "./problem";
import type { RuleFinding } from "./rule";

/** What counters and lists begin with has to fit into them. */
export function countRules(at: Path, experience: ExperienceToml): readonly RuleFinding[] {
  const { counters, lists, sdk, tracked_players: tracked } = experience;
  const found: RuleFinding[] = [];
  for (const [key, of] of Object.entries({ counters, lists })) {
    const names = Object.keys(of).length;
    if (names > MAX_COUNTS) {
      found.push({ path: [...at, key], value: names, problem: `are more than ${MAX_COUNTS}`, fix: "declare fewer" });
    }
  }
  for (const [name, { count, capacity }] of Object.entries(counters)) {
    const path = [...at, "counters", name, "count"];
    const about = [[...at, "counters", name, "capacity"]];
    if (count > capacity)
      found.push({ path, value: count, problem: `is above its capacity, ${capacity}`, fix: "raise capacity", about });
  }
  for (const [name, list] of Object.entries(lists)) found.push(...listRules([...at, "lists", name], list));
  const bytes = Buffer.byteLength(
    Object.values(lists)
      .flatMap(({ values }) => values)
      .join(""),
  );
  if (bytes > MAX_LIST_BYTES) {
    const problem = `hold ${bytes} bytes of values, ${MAX_LIST_BYTES} are allowed`;
    found.push({ path: [...at, "lists"], value: undefined, problem, fix: "keep what is long elsewhere, under a name" });
  }
  if (tracked !== undefined && sdk !== "agones") {
    const problem = 'is for sdk = "agones" alone';
    found.push({
      path: [...at, "tracked_players"],
      value: tracked,
      problem,
      fix: "remove it",
      about: [[...at, "sdk"]],
    });
  }
  return found;
}

function listRules(at: Path, { capacity, values }: ExperienceToml["lists"][string]): readonly RuleFinding[] {
  const path = [...at, "values"];
  if (values.length > capacity) {
    const about = [[...at, "capacity"]];
    const problem = `are more than its capacity, ${capacity}`;
    return [{ path, value: values.length, problem, fix: "raise capacity", about }];
  }
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  return twice === undefined ? [] : [{ path, value: twice, problem: "is there twice", fix: "keep it once" }];
}
