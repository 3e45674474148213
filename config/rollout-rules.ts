import type { ExperienceToml } from "./experience-schema";
import type { Path } from "./problem";
import { tagOf } from "./resolve-experience";
import type { RuleFinding } from "./rule";
import { isRange } from "./version-range";

/** What the API refuses of a version and of how it is taken in, a file may not say either. */
export function rolloutRules(at: Path, experience: ExperienceToml): readonly RuleFinding[] {
  return [...versionRules(at, experience), ...canaryRules(at, experience)];
}

function versionRules(at: Path, { version, image }: ExperienceToml): readonly RuleFinding[] {
  const named = version ?? tagOf(image);
  if (named === undefined || !isRange(named)) return [];
  const problem = "is a range, and new servers run one version";
  const path = [...at, "version"];
  if (version !== undefined)
    return [{ path, value: version, problem, fix: 'name one, "1.4.2"; which clients it takes is said by clients' }];
  const fix = 'add version = "1.4.2", or name an image by one version';
  return [
    { path: [...at, "image"], value: image, problem: `has the tag ${named}, which ${problem}`, fix, about: [path] },
  ];
}

function canaryRules(at: Path, { kind, rollout }: ExperienceToml): readonly RuleFinding[] {
  if (kind !== "world" || Number.parseFloat(rollout.canary) === 100) return [];
  return [
    {
      path: [...at, "rollout", "canary"],
      value: rollout.canary,
      problem: "is not for a world: its one server runs one version",
      fix: "remove it",
      about: [[...at, "kind"]],
    },
  ];
}
