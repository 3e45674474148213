import type { ExperienceConfig, ScalingPolicy } from "./config";

/** Why an experience's servers cannot be emptied in that way, and what to write instead; undefined: they can be. */
export function whyNotDefragmented(
  wish: ScalingPolicy["defragment"],
  { kind, seats }: Pick<ExperienceConfig, "kind" | "seats">,
): { readonly problem: string; readonly fix: string } | undefined {
  if (wish === "off") return undefined;
  if (kind === "world") return { problem: "is not for a world, which is one server", fix: "remove it" };
  if (seats === "match")
    return {
      problem: "is not for matches that take a whole server",
      fix: "remove it: their servers are free when the match ends",
    };
  if (wish === "wait" || seats === "reported") return undefined;
  return {
    problem: "needs a server that says who is on it, and this one's seats are only observed",
    fix: 'write "wait"',
  };
}
