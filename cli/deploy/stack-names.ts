/** The stacks of a region in the order of a deploy; a region has some of them. Destroying goes the other way. */
export const STACK_PARTS = ["embedded", "infra", "consul", "vault", "nomad", "jobs"] as const;

export type StackPart = (typeof STACK_PARTS)[number];

export interface StackName {
  readonly region: string;
  readonly part: StackPart;
}

/** `us-east-jobs` is part `jobs` of `us-east`; undefined for what is no stack of a region. */
export function parseStackId(id: string): StackName | undefined {
  const at = id.lastIndexOf("-");
  const part = STACK_PARTS.find((known) => known === id.slice(at + 1));
  return at > 0 && part !== undefined ? { region: id.slice(0, at), part } : undefined;
}

/** Sorts stacks' ids by region, then as a deploy takes them. */
export function inDeployOrder(ids: readonly string[]): readonly string[] {
  const rank = (id: string): number => STACK_PARTS.indexOf(parseStackId(id)?.part ?? "jobs");
  const region = (id: string): string => parseStackId(id)?.region ?? id;
  return [...ids].sort((a, b) => (region(a) < region(b) ? -1 : region(a) > region(b) ? 1 : rank(a) - rank(b)));
}
