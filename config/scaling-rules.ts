import { disordersOf } from "./chain-order";
import { whyNotDefragmented } from "./defragment-rule";
import type { ExperienceToml } from "./experience-schema";
import { didYouMean, inSnakeCase } from "./names";
import type { Path } from "./problem";
import { resolveChainEntry, SEATS_OF_SDK } from "./resolve-experience";
import type { RuleFinding } from "./rule";

/** What must hold in a chain of policies and in what stands beside it. `at` is the experience. */
export function chainRules(at: Path, experience: ExperienceToml): readonly RuleFinding[] {
  return [
    ...experience.scaling.chain.flatMap((entry, index) => [
      ...countRules(at, experience, index, "counter", Object.keys(experience.counters ?? {})),
      ...countRules(at, experience, index, "list", Object.keys(experience.lists ?? {})),
      ...orderRules([...at, "scaling", "chain", index], entry),
    ]),
    ...priorityRules(at, experience),
    ...moveRules(at, experience),
    ...boundsRules(at, experience),
  ];
}

function countRules(
  at: Path,
  { scaling }: ExperienceToml,
  index: number,
  kind: "counter" | "list",
  known: readonly string[],
): readonly RuleFinding[] {
  const rule = scaling.chain[index]?.[kind];
  return rule === undefined
    ? []
    : unknownCount(at, [...at, "scaling", "chain", index, kind, "key"], kind, rule.key, known);
}

function unknownCount(
  at: Path,
  path: Path,
  kind: "counter" | "list",
  key: string,
  known: readonly string[],
): readonly RuleFinding[] {
  if (known.includes(key)) return [];
  const meant = didYouMean(key, known);
  const fix = meant === undefined ? `add it to ${kind}s of the experience` : `did you mean ${meant}?`;
  return [{ path, value: key, problem: `is no ${kind} of this experience`, fix, about: [[...at, `${kind}s`]] }];
}

/** Agones ignores a key that no server has; a fleet's order by it would be none. */
function priorityRules(at: Path, { scaling, counters, lists }: ExperienceToml): readonly RuleFinding[] {
  return scaling.priorities.flatMap(({ type, key }, index) => {
    const known = Object.keys((type === "counter" ? counters : lists) ?? {});
    return unknownCount(at, [...at, "scaling", "priorities", index, "key"], type, key, known);
  });
}

function orderRules(at: Path, entry: ExperienceToml["scaling"]["chain"][number]): readonly RuleFinding[] {
  return disordersOf(resolveChainEntry(entry), inSnakeCase).map(({ path, first, ...found }) => ({
    ...found,
    path: [...at, ...path],
    about: [[...at, ...first]],
  }));
}

function moveRules(at: Path, { scaling, seats, sdk, kind }: ExperienceToml): readonly RuleFinding[] {
  const found = whyNotDefragmented(scaling.defragment, { kind, seats: seats ?? SEATS_OF_SDK[sdk] });
  const path = [...at, "scaling", "defragment"];
  const about = ["seats", "sdk", "kind"].map((key) => [...at, key]);
  return found ? [{ path, value: scaling.defragment, ...found, about }] : [];
}

function boundsRules(at: Path, { scaling, kind }: ExperienceToml): readonly RuleFinding[] {
  return Object.entries(scaling.regions).flatMap(
    ([region, { min_servers: least, max_servers: most }]): RuleFinding[] => {
      const path = [...at, "scaling", "regions", region];
      const bound = most ?? (kind === "world" ? 1 : scaling.max_servers);
      if (kind === "world" && ((least ?? 0) > 1 || (most ?? 0) > 1))
        return [{ path, value: undefined, problem: "is too many: a world has one server a region", fix: "write 1" }];
      if (least === undefined) return inheritedMinimum(at, path, scaling.min_servers, most);
      if (bound === undefined || least <= bound) return [];
      return [
        {
          path: [...path, "min_servers"],
          value: least,
          problem: `is above max_servers, ${bound}`,
          fix: `write at most ${bound}, or raise the maximum`,
          about: [
            [...path, "max_servers"],
            [...at, "scaling", "max_servers"],
          ],
        },
      ];
    },
  );
}

/** A region that says no minimum has the experience's, which its own maximum must not be below. */
function inheritedMinimum(at: Path, path: Path, least: number | undefined, most: number | undefined): RuleFinding[] {
  if (least === undefined || most === undefined || least <= most) return [];
  return [
    {
      path: [...path, "max_servers"],
      value: most,
      problem: `is below min_servers of the experience, ${least}`,
      fix: `write at least ${least}, or give the region a min_servers of its own, at most ${most}`,
      about: [
        [...path, "min_servers"],
        [...at, "scaling", "min_servers"],
      ],
    },
  ];
}
