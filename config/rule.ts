import type { Path } from "./problem";
import type { ConfigFlags } from "./resolve";
import type { ForgeToml } from "./schema";
import type { Finding } from "./wording";

/** What a rule found, and every other place it looked at: where one of those is wrong in itself, the rule keeps quiet. */
export type RuleFinding = Finding & { readonly about?: readonly Path[] };

/** What no single key can know, held to the whole file. A rule finds all of its own problems. */
export type Rule = (toml: ForgeToml, flags: ConfigFlags, portOffset: number) => readonly RuleFinding[];
