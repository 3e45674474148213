import fc from "fast-check";

/** For tests: text that one of the layers between a manifest and a process might take for its own. */
const SCRAPS = [
  ...[
    "$",
    "${",
    "}",
    "$(",
    ")",
    "$$",
    "%{",
    "%",
    "{{",
    "}}",
    "[[",
    "<<%",
    "<%%%<",
    "<%0%<",
    '"',
    "'",
    "\\",
    "\n",
    "\r\n",
    "\t",
  ],
  ...["A", "B", "SECRET", "v.dot", "${A}", "$(A)", "$$(A)", "$(SECRET)", "$(v.dot)", "$(NOBODY)", "${NOMAD_ALLOC_ID}"],
  ...[
    "${attr.kernel.name}",
    '${env["A"]}',
    "${v.dot}",
    "%{ if true }",
    "{{ env `A` }}",
    "EOT",
    "\nEOT\n",
    "#",
    "//",
    "<&>",
  ],
  ...["☂", "\u2028", "\ufeff", "\u0007", "\u007f", "😀", "e\u0301", "null", "yes", " ", "=", ":", "|", "-"],
];

/** Without NUL, which neither an argument nor a variable can hold. */
export const nastyText = fc
  .array(
    fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...SCRAPS) }, fc.string({ unit: "grapheme", maxLength: 4 })),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join("").replaceAll("\0", ""));

/** Kubernetes' `expansion.Expand`, step for step, with `MappingFuncFor`: unknown names stay as they are. */
export function kubernetesExpands(input: string, known: ReadonlyMap<string, string>): string {
  let out = "";
  for (let at = 0; at < input.length; at++) {
    const char = input.charAt(at);
    const next = input.charAt(at + 1);
    if (char !== "$" || next === "") out += char;
    else if (next === "$") {
      out += "$";
      at += 1;
    } else if (next === "(") {
      const end = input.indexOf(")", at + 2);
      if (end === -1) {
        out += "$(";
        at += 1;
      } else {
        const name = input.slice(at + 2, end);
        out += known.get(name) ?? `$(${name})`;
        at = end;
      }
    } else out += char;
  }
  return out;
}

export interface NastyPod {
  readonly files: Readonly<Record<string, string>>;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly args: readonly string[];
  readonly secret: string;
}

/** Names of the pod's variables, in their order; SECRET comes before all, from a Secret. */
const NAMES = ["A", "B", "v.dot", "C", "D_1"];

export const nastyPod: fc.Arbitrary<NastyPod> = fc
  .tuple(
    fc.array(nastyText, { minLength: 1, maxLength: 4 }),
    fc.array(nastyText, { minLength: NAMES.length, maxLength: NAMES.length }),
    fc.array(nastyText, { maxLength: 4 }),
    nastyText,
  )
  .map(([files, values, args, secret]) => ({
    files: Object.fromEntries(files.map((text, at) => [`file-${at}`, text])),
    env: NAMES.map((name, at) => ({ name, value: values[at] ?? "" })),
    args,
    secret,
  }));

/** The pod as manifests: its files of a ConfigMap, one variable of a Secret. */
export function manifestsOf({ files, env, args, secret }: NastyPod, name = "web"): string {
  const container = {
    name: "main",
    image: "registry.example/a:1",
    args,
    env: [{ name: "SECRET", valueFrom: { secretKeyRef: { name, key: "key" } } }, ...env],
    volumeMounts: [{ name: "files", mountPath: "/files" }],
  };
  const spec = { containers: [container], volumes: [{ name: "files", configMap: { name } }] };
  const data = { key: Buffer.from(secret).toString("base64") };
  return (
    [
      { apiVersion: "v1", kind: "Pod", metadata: { name }, spec },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: files },
      { apiVersion: "v1", kind: "Secret", metadata: { name }, data },
    ]
      // YAML allows U+007F as an escape alone.
      .map((object) => JSON.stringify(object).replaceAll("\u007f", "\\u007f"))
      .join("\n---\n")
  );
}

/** What Kubernetes starts the pod's program with. */
export function startedByKubernetes({ env, args, secret }: NastyPod) {
  const known = new Map([["SECRET", secret]]);
  for (const { name, value } of env) known.set(name, kubernetesExpands(value, known));
  return { env: known, args: args.map((arg) => kubernetesExpands(arg, known)) };
}
