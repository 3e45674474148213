/** One thing that the props of a construct must keep to. */
export interface PropsRule<Props> {
  /** Undefined where it is kept; otherwise what is wrong, the value, and the fix. */
  readonly problem: (props: Props) => string | undefined;
}

/**
 * Holds props to all rules and reports every problem at once.
 *
 * @param construct what is being made, for the message: `RegionConsul us-east-consul`
 * @throws {Error} with a line for each problem
 */
export function checkProps<Props>(construct: string, props: Props, rules: readonly PropsRule<Props>[]): void {
  const problems = rules.flatMap(({ problem }) => problem(props) ?? []);
  if (problems.length === 0) return;
  throw new Error([`${construct} cannot be made:`, ...problems.map((text) => `  - ${text}`)].join("\n"));
}
