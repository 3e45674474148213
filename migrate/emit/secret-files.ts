import type { Answers } from "../answers";
import type { ConvertedJob, WantedSecret } from "../convert/convert";
import { grantName, secretPath, storedPath } from "../convert/pod-context";
import { quoted } from "./hcl-text";

/** Text as one word of a shell. */
function word(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const HEAD = `#!/usr/bin/env bash
# Copies Secrets from the cluster that kubectl talks to. Values go through pipes only: none is in this file, in an
# argument or on a disk. Needs kubectl and jq. Run it again after a change.
set -euo pipefail
`;

/** What jq makes of a Secret: texts as they are, what is no text in base64. */
const JQ = `'.data // {} | with_entries(if (.key | IN($binary[])) then . else .value |= @base64d end)'`;

const NOMAD = `
# NAMESPACE SECRET PATH KEY…: keys whose values are no text stay in base64.
copy() {
  local namespace=$1 name=$2 path=$3
  shift 3
  kubectl get secret --namespace "$namespace" "$name" --output json |
    jq --compact-output '$ARGS.positional as $binary | {Items: (${JQ.slice(1, -1)})}' --args "$@" |
    nomad var put -namespace "$namespace" -in json -force "$path" - >/dev/null
  echo "copied $namespace/$name"
}
`;

const vaultCopy = (mount: string): string => `
# NAMESPACE SECRET PATH KEY…: keys whose values are no text stay in base64.
copy() {
  local namespace=$1 name=$2 path=$3
  shift 3
  kubectl get secret --namespace "$namespace" "$name" --output json |
    jq --compact-output '$ARGS.positional as $binary | (${JQ.slice(1, -1)})' --args "$@" |
    vault kv put -mount=${word(mount)} "$path" - >/dev/null
  echo "copied $namespace/$name"
}
`;

/** The script that copies every Secret, where there is one. */
export function secretScript(secrets: readonly WantedSecret[], answers: Answers): string {
  const copy = answers.secrets === "vault" ? vaultCopy(answers.vault_mount) : NOMAD;
  const calls = secrets.map(
    ({ namespace, name, binaryKeys }) =>
      `copy ${[namespace, name, storedPath(namespace, name), ...binaryKeys].map(word).join(" ")}`,
  );
  return `${HEAD}${copy}\n${calls.join("\n")}\n`;
}

/** What lets one job read its Secrets and no others. */
export function secretPolicy({ job, secrets }: ConvertedJob, answers: Answers): string {
  const paths = secrets.map((name) => secretPath({ answers, namespace: job.namespace }, name));
  if (answers.secrets === "vault") {
    return paths.map((path) => `path ${quoted(path)} {\n  capabilities = ["read"]\n}\n`).join("");
  }
  const rules = paths.map((path) => `    path ${quoted(path)} {\n      capabilities = ["read"]\n    }\n`);
  return `namespace ${quoted(job.namespace)} {\n  variables {\n${rules.join("")}  }\n}\n`;
}

/** Vault's role for one job: Nomad logs it in with the job's own identity, and gives it that policy alone. */
export function vaultRole({ job, file }: ConvertedJob): string {
  const role = {
    role_type: "jwt",
    bound_audiences: ["vault.io"],
    bound_claims: { nomad_namespace: job.namespace, nomad_job_id: job.id },
    user_claim: "nomad_job_id",
    token_type: "service",
    token_period: "30m",
    token_policies: [grantName(file)],
  };
  return `${JSON.stringify(role, null, 2)}\n`;
}

/** The script that gives each job its policy. */
export function grantScript(jobs: readonly ConvertedJob[], answers: Answers): string {
  const isVault = answers.secrets === "vault";
  const head = isVault
    ? `# Lets each job read its Secrets: a policy, and a role of the jwt auth method that Nomad logs its tasks in at.
# JWT_MOUNT is that method's path; Nomad's default is jwt-nomad.
set -euo pipefail
cd "$(dirname "$0")"
mount="\${JWT_MOUNT:-jwt-nomad}"
`
    : `# Lets each job read its Secrets. The stack in stacks/ does the same.
set -euo pipefail
cd "$(dirname "$0")"
`;
  const calls = jobs.flatMap((each) => {
    const [grant, name] = [grantName(each.file), each.file.slice("jobs/".length)];
    const policy = word(`policies/${name}.hcl`);
    return isVault
      ? [
          `vault policy write ${word(grant)} ${policy}`,
          `vault write "auth/$mount/role/"${word(grant)} @${word(`roles/${name}.json`)}`,
        ]
      : [
          `nomad acl policy apply -namespace ${word(each.job.namespace)} -job ${word(each.job.id)} ${word(grant)} ${policy}`,
        ];
  });
  return `#!/usr/bin/env bash\n${head}\n${calls.join("\n")}\n`;
}
