import fc from "fast-check";
import { jobJson } from "./emit/job-json";
import { renderJobHcl } from "./emit/job-hcl";
import { migrateText, onlyJob } from "./for-test";
import type { NomadTask } from "./model/nomad-job";
import { kubernetesExpands, manifestsOf, nastyPod, type NastyPod, startedByKubernetes } from "./nasty-text";
import type { Json } from "./verify/finding";
import { jsonOfHcl } from "./verify/hcl-job";
import { renderedBytes } from "./verify/render";
import { differenceOf } from "./verify/same-meaning";

/**
 * Three languages lie between a manifest and a process: Kubernetes' `$(NAME)`, HCL's and Nomad's `${…}`, and the templates'
 * `{{ … }}`. Here models of what Nomad does; `test/cluster/migrated-files.test.ts` asks the real one.
 */

/** A driver's configuration on the node: a template of HCL over the task's environment. What it does not know fails the task. */
function driverReads(text: string, env: ReadonlyMap<string, string>): string {
  return text.replace(
    /([$%])\1\{|\$\{("(?:[^"\\]|\\.)*"|env\["[^"]+"\]|[A-Za-z_]\w*)\}|[$%]\{/g,
    (whole, _sign, what?: string) => {
      if (/^(\$\$|%%)/.test(whole)) return whole.slice(1);
      if (what === undefined) throw new Error(`the node would fail at ${whole}`);
      if (what.startsWith('"')) return JSON.parse(what) as string;
      const name = what.startsWith("env[") ? (JSON.parse(what.slice(4, -1)) as string) : what;
      const value = env.get(name);
      if (value === undefined) throw new Error(`there is no variable ${name}`);
      return value;
    },
  );
}

const EXPRESSION = /^\(index \(nomadVar "kubernetes\/default\/web"\) "key"\)\.Value$/;

/** As Go reads text in quotes. */
function goString(text: string): string {
  return JSON.parse(
    text.replace(/\\(?:U([0-9a-f]{8})|.)/gs, (whole, digits?: string) =>
      digits === undefined ? whole : JSON.stringify(String.fromCodePoint(parseInt(digits, 16))).slice(1, -1),
    ),
  ) as string;
}

/** The lines of an environment's template: `NAME={{ printf "%v%v" "text" (…) | toJSON }}`. */
function templateWrites(data: string, secret: string): ReadonlyMap<string, string> {
  const written = new Map<string, string>();
  for (const line of data.split("\n").slice(0, -1)) {
    const [, name = "", words = ""] = /^([^=]+)=\{\{ printf "(?:%v)+" (.*) \| toJSON \}\}$/s.exec(line) ?? [];
    const texts = [...words.matchAll(/"(?:[^"\\]|\\.)*"|\((\(index .*?\)\.Value)\)/g)].map(([word, expression]) => {
      if (expression === undefined) return goString(word);
      if (!EXPRESSION.test(expression)) throw new Error(`another expression: ${expression}`);
      return secret;
    });
    written.set(name, texts.join(""));
  }
  return written;
}

function startedByNomad({ env, templates, config }: NomadTask, secret: string) {
  const all = new Map(Object.entries(env));
  // Nomad replaces what it knows, and nobody knows what it does: so nothing may look as if it could be.
  for (const [name, value] of all) if (/\$\{[A-Za-z0-9_.-]+\}/.test(value)) throw new Error(`${name} may be replaced`);
  const template = templates.find((each) => each.env === true);
  for (const [name, value] of templateWrites(template?.data ?? "", secret)) all.set(name, value);
  const args = (config["args"] as readonly string[] | undefined) ?? [];
  return { env: all, args: args.map((arg) => driverReads(arg.normalize("NFC"), all).normalize("NFC")) };
}

function podWithArgument(arg: string): NastyPod {
  return { files: {}, env: [{ name: "A", value: "one" }], args: [arg], secret: "" };
}

test("what a pod's program is started with, and its files, arrive unchanged whatever they look like", () => {
  fc.assert(
    fc.property(nastyPod, (pod: NastyPod) => {
      const job = onlyJob(migrateText(manifestsOf(pod)));
      const [task] = job.group.tasks as [NomadTask];
      const expected = startedByKubernetes(pod);
      const started = startedByNomad(task, pod.secret);
      expect(started.args).toEqual(expected.args.map((arg) => arg.normalize("NFC")));
      expect([...started.env].sort()).toEqual([...expected.env].sort());
      for (const [name, text] of Object.entries(pod.files)) {
        const found = task.templates.find(({ destination }) => destination === `local/volumes/files/${name}`);
        const { data = "?", leftDelimiter: left, rightDelimiter: right } = found ?? {};
        expect(Buffer.from(renderedBytes({ data, left, right }) ?? []).toString()).toBe(text);
      }
      // Written to a file of HCL, all but arguments are the same when they are composed.
      for (const { data } of task.templates) expect(data.normalize("NFC")).toBe(data);
      for (const value of Object.values(task.env)) expect(value.normalize("NFC")).toBe(value);
      const { Job } = jobJson(job) as { readonly Job: Json };
      expect(differenceOf(jsonOfHcl(renderJobHcl(job)), Job)).toBeUndefined();
    }),
    { numRuns: 300, examples: [[podWithArgument("$$$$$(A)")], [podWithArgument("$$%$$$(A)")]] },
  );
});

test.each([
  ["$(A)", "one"],
  ["$$(A)", "$(A)"],
  ["$$$(A)", "$one"],
  ["$(NONE) $(A", "$(NONE) $(A"],
  ["$(a $$(A))", "$(a $$(A))"],
  ["$($(A)", "$($(A)"],
  ["$", "$"],
  ["a$b $$ $(", "a$b $ $("],
])("the model of Kubernetes reads %s as its own tests do", (text, expected) =>
  expect(kubernetesExpands(text, new Map([["A", "one"]]))).toBe(expected),
);
