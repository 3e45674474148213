import type { Finding } from "./wording";
import type { Path } from "./problem";

/** Keys that name a secret. `secret_env` and `…_FILE` name where one is kept, which is what a file may say. */
const SECRET_KEY = /(?:^|_)(?:token|secret|secret_id|password|passwd|api_?key|private_?key|access_?key)$/i;

/** Values that are secrets whatever their key: the forms of well-known issuers, and keys in PEM. */
const SECRET_VALUE =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|^hv[sbr]\.[\w-]{20,}|^AKIA[0-9A-Z]{16}$|^gh[pousr]_\w{30,}|^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$/;

/** A password in a URL. */
const CREDENTIALS_IN_URL = /^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:[^/@\s]+@/i;

const FIX_BY_ROOT: Readonly<Record<string, string>> = {
  nomad: "remove it and set NOMAD_TOKEN in the environment",
  consul: "remove it and set CONSUL_HTTP_TOKEN in the environment",
  vault: "remove it and set VAULT_TOKEN in the environment",
  webhooks: "write secret_env with the name of the environment variable that holds it",
  experiences: "remove it; keep it in Vault or in a file on the node, and name that file: …_FILE",
};

/** Every secret written into the file. Values are never repeated: `value` is `"(hidden)"`. */
export function findSecrets(document: unknown, path: Path = []): Finding[] {
  if (typeof document === "string") {
    const key = path.findLast((part) => typeof part === "string") ?? "";
    const secret =
      (SECRET_KEY.test(key) && document !== "" && !isReference(document)) ||
      SECRET_VALUE.test(document.trim()) ||
      CREDENTIALS_IN_URL.test(document);
    return secret ? [secretAt(path)] : [];
  }
  if (typeof document !== "object" || document === null) return [];
  return Object.entries(document).flatMap(([key, value]) =>
    findSecrets(value, [...path, Array.isArray(document) ? Number(key) : key]),
  );
}

/** `${…}` alone says where a value comes from. */
function isReference(text: string): boolean {
  return /^\$\{[^}]+\}$/.test(text);
}

function secretAt(path: Path): Finding {
  const root = String(path[0]);
  const region = root === "regions" ? path[2] : root;
  return {
    path,
    value: "(hidden)",
    problem: "looks like a secret, and forge.toml never holds one",
    fix: FIX_BY_ROOT[String(region)] ?? "remove it; secrets come from the environment or from Vault",
  };
}
