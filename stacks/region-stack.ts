import { isAbsolute } from "node:path";
import { Aspects, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import type { ManagedPart, RegionConfig } from "../config/config";
import { regionEndpoints, type RegionEndpoints } from "../config/region-endpoints";
import { checkProps, type PropsRule } from "./check-props";
import { StackRules } from "./stack-rules";

/** What every stack of a region on Nomad is made from. */
export interface RegionStackProps {
  /** As forge.toml describes it, every default applied. */
  readonly region: RegionConfig;
  /** The folder that forge.toml lies in: an absolute path. Token files and authorities are looked for from there. */
  readonly folder: string;
}

/** The id of one of a region's stacks, which is also what `cdktf deploy` is given. */
export function regionStackId(region: string, part: ManagedPart): string {
  return `${region}-${part}`;
}

/** Of each stack, whatever its part. */
const RULES: readonly PropsRule<RegionStackProps>[] = [
  {
    problem: ({ folder }) =>
      isAbsolute(folder)
        ? undefined
        : `folder is "${folder}" and must be an absolute path: resolve it against the folder of your app`,
  },
  {
    problem: ({ region }) =>
      region.hosts === "aws"
        ? `region ${region.name} has hosts = "aws", which no stack can make yet: use "existing" with a cluster that is there`
        : undefined,
  },
];

/** A stack of a region: props are checked, and everything in it is held to the rules of `StackRules`. */
export abstract class RegionStack<Props extends RegionStackProps> extends TerraformStack {
  protected readonly endpoints: RegionEndpoints;

  protected constructor(scope: Construct, id: string, props: Props, rules: readonly PropsRule<Props>[] = []) {
    super(scope, id);
    checkProps<Props>(`${new.target.name} ${id}`, props, [...RULES, ...rules]);
    this.endpoints = regionEndpoints(props.region, props.folder);
    Aspects.of(this).add(new StackRules());
  }
}
