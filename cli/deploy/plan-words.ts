import { z } from "zod";

const changeSchema = z.looseObject({
  address: z.string(),
  type: z.string(),
  change: z.looseObject({
    actions: z.array(z.string()),
    before: z.record(z.string(), z.unknown()).nullish(),
    after: z.record(z.string(), z.unknown()).nullish(),
  }),
});
const planSchema = z.looseObject({ resource_changes: z.array(changeSchema).default([]) });

type Change = z.output<typeof changeSchema>;
export type PlannedAction = "create" | "update" | "replace" | "delete";

export interface PlannedChange {
  readonly action: PlannedAction;
  /** What Terraform's state knows it by. */
  readonly address: string;
  /** The change in plain words, such as `start region us-east`. */
  readonly words: string;
}

/** Reads `terraform show -json` of a plan: what would change, and nothing of what it contains. */
export function plannedChanges(plan: unknown, region: string): readonly PlannedChange[] {
  return planSchema.parse(plan).resource_changes.flatMap((change) => {
    const action = actionOf(change.change.actions);
    return action === undefined ? [] : [{ action, address: change.address, words: wordsOf(change, action, region) }];
  });
}

function actionOf(actions: readonly string[]): PlannedAction | undefined {
  if (actions.includes("create")) return actions.includes("delete") ? "replace" : "create";
  if (actions.includes("update")) return "update";
  return actions.includes("delete") ? "delete" : undefined;
}

const VERBS: Readonly<Record<PlannedAction, string>> = {
  create: "make",
  update: "change",
  replace: "make anew",
  delete: "remove",
};

/** Resources that are steps rather than things. `R` is the region. */
const STEPS: Readonly<Record<string, Partial<Record<PlannedAction, string>>>> = {
  "terraform_data.region": {
    create: "start region R on this machine",
    replace: "start region R anew: the one that was deployed is gone",
    delete: "end region R and its servers",
  },
  "terraform_data.hosts": {
    create: "start Consul, Vault and Nomad of region R on this machine",
    replace: "start Consul, Vault and Nomad of region R anew, with nothing of what they hold",
    delete: "end Consul, Vault and Nomad of region R, with all that they hold",
  },
  "terraform_data.bootstrap": {
    create: "let in who has a token at region R: ACLs, Vault's store",
    replace: "let in anew who has a token at region R",
    delete: "forget the bootstrap of region R",
  },
  "terraform_data.revision": {
    create: "give region R its forge.toml",
    replace: "give region R the changed forge.toml; no server restarts",
    delete: "forget which forge.toml region R has",
  },
};

function wordsOf({ address, type, change }: Change, action: PlannedAction, region: string): string {
  const step = STEPS[address]?.[action];
  if (step !== undefined) return step.replace(/\bR\b/, region);
  return `${VERBS[action]} ${nounOf(type)} ${nameOf(type, change.after ?? change.before ?? {}, address)}`;
}

/** `nomad_acl_policy` is an "acl policy of nomad". */
function nounOf(type: string): string {
  if (type === "terraform_data") return "step";
  const [system = "", ...rest] = type.split("_");
  return type === "nomad_job" ? "job" : `${system} ${rest.join(" ")}`;
}

const NAMES = ["name", "path", "key", "backend", "role_name"];

function nameOf(type: string, values: Readonly<Record<string, unknown>>, address: string): string {
  const ownName = NAMES.map((key) => values[key]).find((value) => typeof value === "string" && value !== "");
  const job = type === "nomad_job" ? jobId(values["jobspec"]) : undefined;
  return job ?? (typeof ownName === "string" ? ownName : address.slice(address.indexOf(".") + 1));
}

function jobId(jobspec: unknown): string | undefined {
  if (typeof jobspec !== "string") return undefined;
  return /"ID":\s*"([^"]+)"/.exec(jobspec)?.[1];
}
