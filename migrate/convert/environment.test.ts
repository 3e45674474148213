import { deployment, entryAt, migrateText, onlyJob } from "../for-test";
import type { NomadTask } from "../model/nomad-job";

function taskOf(text: string): NomadTask {
  const [task] = onlyJob(migrateText(text)).group.tasks;
  if (task === undefined) throw new Error("no task");
  return task;
}

const map = (data: string): string => `---
apiVersion: v1
kind: ConfigMap
metadata: { name: m }
data: ${data}
`;
const secret = (data: string): string => `---
apiVersion: v1
kind: Secret
metadata: { name: s }
stringData: ${data}
`;
const ENV = "/spec/template/spec/containers/0/env";

describe("names of variables", () => {
  it("may hold dots and dashes, as those that a ConfigMap's keys become", () => {
    const text = deployment({ container: "envFrom: [{ configMapRef: { name: m } }]" });
    const both = text + map('{ log.level: debug, my-key: a, "9lives": b }');
    expect(taskOf(both).env).toEqual({ "log.level": "debug", "my-key": "a", "9lives": "b" });
    expect(entryAt(migrateText(both), "/data/log.level").code).toBe("configInJob");
  });

  it("leave out of a template what fails the task there: keys of a Secret with a dash", () => {
    const text = deployment({ container: "envFrom: [{ prefix: P_, secretRef: { name: s } }]" });
    const [template] = taskOf(text).templates;
    expect(template?.data).toBe(
      '{{ range $key, $value := nomadVar "kubernetes/default/s" }}{{ if $key | regexMatch "^[A-Za-z0-9_.]*$" }}' +
        "P_{{ $key }}={{ $value.Value | toJSON }}\n{{ end }}{{ end }}\n",
    );
    const migration = migrateText(text + secret("{ user: a, pass-word: b }"));
    expect(entryAt(migration, "/stringData/pass-word")).toMatchObject({ code: "variableName", severity: "error" });
    expect(entryAt(migration, "/stringData/user").code).toBe("secretAtRunTime");
  });

  it("are an error where only a template could write them", () => {
    const from = "valueFrom: { secretKeyRef: { name: s, key: k } }";
    const text = deployment({
      container: `env: [{ name: my-key, ${from} }, { name: my.key, ${from} }, { name: a-b, value: "\${C.D}" }]`,
    });
    const { env, templates } = taskOf(text);
    expect(env).toEqual({});
    expect(templates.map(({ data }) => data).join("")).toMatch(/^my\.key=[^\n]*\n$/);
    const migration = migrateText(text);
    for (const at of ["0/name", "2/name"]) expect(entryAt(migration, `${ENV}/${at}`).code).toBe("variableName");
    expect(entryAt(migration, `${ENV}/1/name`).code).toBe("converted");
    const prefixed = deployment({ container: "envFrom: [{ prefix: a-, secretRef: { name: s } }]" });
    expect(taskOf(prefixed).templates).toEqual([]);
    expect(entryAt(migrateText(prefixed), `${ENV}From/0/prefix`).code).toBe("variableName");
  });
});

describe("an optional Secret in a volume", () => {
  const items = "items: [{ key: tls.crt, path: tls.crt }]";
  const text = deployment({
    pod: `volumes: [{ name: tls, secret: { secretName: s, optional: true, ${items} } }]`,
    container: "volumeMounts: [{ name: tls, mountPath: /tls }]",
  });

  it("is not waited for", () => {
    expect(taskOf(text).templates.map(({ data }) => data)).toEqual([
      '{{ if nomadVarExists "kubernetes/default/s" }}{{ (index (nomadVar "kubernetes/default/s") "tls.crt").Value }}{{ end }}',
    ]);
    const volume = "/spec/template/spec/volumes/0/secret";
    expect(entryAt(migrateText(text), `${volume}/secretName`).code).toBe("secretAtRunTime");
    const wanted = text.replace("optional: true", "optional: false");
    expect(taskOf(wanted).templates[0]?.data).not.toContain("nomadVarExists");
    expect(entryAt(migrateText(wanted), `${volume}/secretName`).code).toBe("unresolvedSecret");
  });
});

it("says that a key is not where the manifest looks for it", () => {
  const pod = `volumes:
        - { name: m, configMap: { name: m, items: [{ key: none, path: a }, { key: there, path: b }] } }
        - { name: s, secret: { secretName: s, items: [{ key: none, path: a }, { key: there, path: b }] } }`;
  const container = "env: [{ name: A, valueFrom: { secretKeyRef: { name: s, key: none } } }]";
  const migration = migrateText(deployment({ pod, container }) + map("{ there: x }") + secret("{ there: x }"));
  const codeOf = (at: string): string => entryAt(migration, `/spec/template/spec/${at}`).code;
  expect(codeOf("volumes/0/configMap/items/0/key")).toBe("unresolvedConfigMap");
  expect(codeOf("volumes/0/configMap/items/1/key")).toBe("configInJob");
  expect(codeOf("volumes/1/secret/items/0/key")).toBe("unresolvedSecret");
  expect(codeOf("volumes/1/secret/items/1/key")).toBe("secretAtRunTime");
  expect(codeOf("containers/0/env/0/valueFrom/secretKeyRef/key")).toBe("unresolvedSecret");
});
