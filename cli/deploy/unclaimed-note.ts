import { parseStackId } from "./stack-names";

/** Says which deployed stacks nobody asks for any more, and how to be rid of them. */
export function unclaimedNote(stacks: readonly string[]): readonly string[] {
  if (stacks.length === 0) return [];
  const regions = [...new Set(stacks.map((id) => parseStackId(id)?.region ?? id))];
  const what = stacks.length === 1 ? "is deployed, and forge.toml" : "are deployed, and forge.toml";
  return [
    `${stacks.join(", ")} ${what} asks for no such stack: \`forge destroy ${regions.join(" ")}\` removes what is deployed of it`,
  ];
}
