import type { Diagnostic } from "./terraform-lines";

/** Why a deploy cannot go on, in Forge's words: cause and next step. */
export interface Diagnosis {
  readonly code: string;
  readonly detail: string;
  readonly fix: string;
}

interface Rule {
  readonly when: RegExp;
  readonly code: string;
  /** `$1` and so on are the groups of `when`. */
  readonly cause: string;
  readonly fix: string;
}

/** In order: the first that fits decides. Their texts are Terraform's, its providers' and the three systems' own. */
const RULES: readonly Rule[] = [
  {
    when: /no space left on device/i,
    code: "diskFull",
    cause: "a disk is full",
    fix: "make room (`df -h` shows where), then deploy again: it goes on where it was",
  },
  {
    when: /Failed to query available provider packages|provider registry|no available releases match|could not (?:connect|query).*registry|Inconsistent dependency lock file/i,
    code: "providerMissing",
    cause: "Terraform cannot get a provider that this stack needs",
    fix:
      "put it into ~/.cache/forge/providers (registry.terraform.io/hashicorp/NAME/VERSION/OS_ARCH), name a mirror in " +
      "TF_CLI_CONFIG_FILE, or let this machine reach registry.terraform.io",
  },
  {
    when: /Vault is sealed|sealed.{0,40}vault/i,
    code: "vaultSealed",
    cause: "Vault is sealed: it answers nobody until it is unsealed",
    fix: "unseal it (`vault operator unseal`; Forge's own hosts are unsealed when REGION-infra is deployed again), then deploy again",
  },
  {
    when: /No cluster leader|No path to region|local node not active but active cluster node not found/i,
    code: "noLeader",
    cause: "the servers have no leader: most of them are away, or they have just started",
    fix: "wait until they have elected one (`nomad server members`, `consul operator raft list-peers`), then deploy again",
  },
  {
    when: /ACL token not found|Permission denied|Unexpected response code: 403|Code: 403|invalid token|UUID must be 36 characters/i,
    code: "tokenRefused",
    cause: "the token is missing, wrong, or may not do this",
    fix: "set NOMAD_TOKEN, CONSUL_HTTP_TOKEN or VAULT_TOKEN (whichever this stack's provider is for) to one that may",
  },
  {
    when: /job modify index has changed since last refresh/i,
    code: "jobChanged",
    cause: "the job was changed by somebody else while this was planned",
    fix: "deploy again",
  },
  {
    when: /address already in use/i,
    code: "portTaken",
    cause: "a port is taken by another program",
    fix: "stop that program, or move all of Forge's ports with FORGE_PORT_OFFSET",
  },
  {
    when: /connection refused|no such host|i\/o timeout|context deadline exceeded|connect: no route/i,
    code: "clusterUnreachable",
    cause: "nobody answers at the address that forge.toml has for this region",
    fix: "check that the servers run and that forge.toml names their address; stacks of the same region before this one start them",
  },
  {
    when: /Unsupported Terraform Core version|Reserved argument name|state snapshot was created by Terraform/i,
    code: "terraformVersion",
    cause: "this Terraform is too old for the stack or its state",
    fix: "install Terraform 1.11 or newer",
  },
];

/** What a program of ours that Terraform ran has printed as its failure. */
const OF_FORGE =
  /(?:^|Output: )(?:forge|infra|end-servers): (.+(?:\n(?!\s+fix: |\s+request )(?!\s*$).+)*)(?:\n\s+fix: (.+))?/m;

/** Terraform's error in Forge's words where they are known, else in its own. */
export function diagnose(stack: string, { summary, detail, address }: Diagnostic): Diagnosis {
  const place = address === undefined || address === "" ? stack : `${stack}, ${address}`;
  const lock = lockHolder(summary, detail);
  if (lock !== undefined) return { code: "locked", detail: `${stack}: ${lock}`, fix: LOCK_FIX };
  const own = OF_FORGE.exec(detail);
  if (own?.[1] !== undefined) {
    const fix = own[2] ?? "mend that, then deploy again";
    return { code: codeOfOwn(own[1]), detail: `${place}: ${own[1]}`, fix };
  }
  const text = `${summary}\n${detail}`;
  const rule = RULES.find(({ when }) => when.test(text));
  const words = [summary, detail]
    .filter((part) => part !== "")
    .join(": ")
    .trim();
  if (rule === undefined)
    return { code: "terraform", detail: `${place}: ${words}`, fix: "mend that, then deploy again" };
  return { code: rule.code, detail: `${place}: ${rule.cause} (${oneLine(words)})`, fix: rule.fix };
}

const LOCK_FIX =
  "wait until that one has ended, or end its process; then deploy again. A lock whose process is gone holds nobody up";

/** Terraform says who holds the lock in a block of `Key: value` lines. */
function lockHolder(summary: string, detail: string): string | undefined {
  if (!/Error acquiring the state lock/i.test(summary)) return undefined;
  const of = (key: string): string | undefined => new RegExp(`^\\s*${key}:\\s*(\\S.*)$`, "m").exec(detail)?.[1];
  const who = of("Who") ?? "another process";
  const since = of("Created");
  const does = of("Operation")
    ?.replace(/^OperationType/, "")
    .toLowerCase();
  return `${who} is at it${does === undefined ? "" : ` (${does})`}${since === undefined ? "" : ` since ${since}`}`;
}

function codeOfOwn(words: string): string {
  if (/^port \d+ .* is taken/.test(words)) return "portTaken";
  return /ENOSPC|no space left/.test(words) ? "diskFull" : "regionFailed";
}

const MAX_WORDS = 300;

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS)}…` : line;
}
