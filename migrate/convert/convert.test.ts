import { createHash } from "node:crypto";
import { loadConfig } from "../../config/load";
import { deployment, entryAt, migrateText, onlyJob } from "../for-test";
import type { Migration } from "../migrate";
import { argument } from "./program";
import { storedPath } from "./pod-context";
import { quantity } from "./quantity";
import { literalTemplate } from "./volume-files";

const CONTAINER = "/spec/template/spec/containers/0";

function task(migration: Migration) {
  const [first] = onlyJob(migration).group.tasks;
  if (first === undefined) throw new Error("the job has no task");
  return first;
}

function fate(migration: Migration, pointer: string): string {
  const { status, code } = entryAt(migration, pointer);
  return `${status} ${code}`;
}

test.each([
  ["100m", 0.1],
  ["1.5", 1.5],
  [2, 2],
  ["64Mi", 67_108_864],
  ["1e3", 1000],
  ["1E", 1e18],
  ["128974848000m", 128_974_848],
  ["x", undefined],
  ["-1", undefined],
  ["1 Mi", undefined],
])("the quantity %s", (text, number) => expect(quantity(text)).toBe(number));

describe("containers", () => {
  test("command and args are entry point and args", () => {
    const migration = migrateText(
      deployment({ container: `command: [sh, -c]\n          args: ["echo hi"]\n          workingDir: /srv` }),
    );
    expect(task(migration).config).toEqual({
      image: "nginx:1.27",
      entrypoint: ["sh", "-c"],
      args: ["echo hi"],
      work_dir: "/srv",
    });
    expect(fate(migration, `${CONTAINER}/command/0`)).toBe("converted converted");
  });

  test("$(NAME) in arguments is a variable only where there is one of that name", () => {
    const names = new Set(["A", "v.dot"]);
    expect(argument("$(A) $(date) $$(A) $B ${C}", names).replaced).toBe("${A} $(date) $(A) $B $${C}");
    expect(argument("$$$(A) $(v.dot) %{ x", names).replaced).toBe('${"$"}${A} ${env["v.dot"]} %%{ x');
  });

  test("without resources the answers decide, and the job says so", () => {
    const { resources, notes } = task(migrateText(deployment({}), { default_cpu: 321, default_memory: 654 }));
    expect(resources).toMatchObject({ cpu: 321, memory: 654 });
    expect(notes.join(" ")).toMatch(/321 MHz.*654 MiB/);
  });

  test("requests and limits", () => {
    const container = "resources: { requests: { cpu: 250m, memory: 64Mi }, limits: { cpu: 1, memory: 100M } }";
    const migration = migrateText(deployment({ container }), { mhz_per_core: 3000 });
    expect(task(migration).resources).toMatchObject({ cpu: 750, memory: 64, memoryMax: 96 });
    expect(fate(migration, `${CONTAINER}/resources/limits/cpu`)).toBe("approximated cpuLimit");
  });

  test.each(['["sleep", "5"]', '["/bin/sh", "-c", "sleep 5"]'])(
    "a hook before the stop that only waits, %s, is a delay",
    (words) => {
      const migration = migrateText(
        deployment({ container: `lifecycle: { preStop: { exec: { command: ${words} } } }` }),
      );
      expect(onlyJob(migration).group.shutdownDelay).toBe(5);
      expect(fate(migration, `${CONTAINER}/lifecycle/preStop/exec/command/0`)).toBe("approximated preStopSleep");
    },
  );

  test("any other hook before the stop is an error, not silence", () => {
    const migration = migrateText(
      deployment({ container: 'lifecycle: { preStop: { exec: { command: ["drain"] } } }' }),
    );
    expect(entryAt(migration, `${CONTAINER}/lifecycle/preStop/exec/command/0`)).toMatchObject({
      code: "preStop",
      severity: "error",
    });
  });
});

describe("environment", () => {
  const SECRET = "---\napiVersion: v1\nkind: Secret\nmetadata: { name: db }\nstringData: { password: CANARY-VALUE }\n";

  test("a Secret's value is read on the node, and is in no file", () => {
    const container = `env:
            - { name: PASS, valueFrom: { secretKeyRef: { name: db, key: password } } }
            - { name: URL, value: "postgres://$(PASS)@db" }`;
    const migration = migrateText(deployment({ container }) + SECRET);
    expect(task(migration).env).toEqual({});
    expect(task(migration).templates[0]).toMatchObject({ env: true, destination: "secrets/environment.env" });
    expect(task(migration).templates[0]?.data).toContain('URL={{ printf "%v%v%v" "postgres://" (');
    expect([...migration.files.values()].join("")).not.toContain("CANARY-VALUE");
    expect(fate(migration, `${CONTAINER}/env/0/valueFrom/secretKeyRef/key`)).toBe("needs-config secretAtRunTime");
    expect(migration.files.get("nomad/policies/web.hcl")).toContain('path "kubernetes/default/db"');
    expect(migration.files.get("nomad/copy-secrets.sh")).toContain("copy 'default' 'db' 'kubernetes/default/db'");
  });

  test("in Vault by the answers", () => {
    const container = "env:\n            - { name: PASS, valueFrom: { secretKeyRef: { name: db, key: password } } }";
    const migration = migrateText(deployment({ container }) + SECRET, { secrets: "vault" });
    expect(task(migration).templates[0]?.data).toContain('secret "kv/data/kubernetes/default/db"');
    expect(task(migration).vault).toEqual({ role: "migrated-web", env: false, changeMode: "noop" });
    expect([...migration.files.keys()]).toEqual(
      expect.arrayContaining(["vault/copy-secrets.sh", "vault/policies/web.hcl"]),
    );
  });

  test("a ConfigMap's key is written, a missing one is an error, an optional one nothing", () => {
    const container = `env:
            - { name: A, valueFrom: { configMapKeyRef: { name: site, key: a } } }
            - { name: B, valueFrom: { configMapKeyRef: { name: site, key: b } } }
            - { name: C, valueFrom: { configMapKeyRef: { name: site, key: c, optional: true } } }`;
    const migration = migrateText(
      `${deployment({ container })}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: site }\ndata: { a: "1" }\n`,
    );
    expect(task(migration).env).toEqual({ A: "1" });
    expect(entryAt(migration, `${CONTAINER}/env/1/valueFrom/configMapKeyRef/key`)).toMatchObject({ severity: "error" });
    expect(fate(migration, `${CONTAINER}/env/2/valueFrom/configMapKeyRef/key`)).toBe(
      "ignored-by-design optionalMissing",
    );
  });

  test("what Nomad would replace is kept from it by a template, unless Nomad's own stands beside it", () => {
    const field = "{ name: P, valueFrom: { fieldRef: { fieldPath: metadata.name } } }";
    const migration = migrateText(
      deployment({
        container: `env:\n            - { name: A, value: "\${NOMAD_TASK_DIR}" }\n            - ${field}\n            - { name: B, value: "$(P) \${A}" }`,
      }),
    );
    expect(task(migration).templates).toMatchObject([
      { data: 'A={{ printf "%v" "${NOMAD_TASK_DIR}" | toJSON }}\n', env: true },
    ]);
    expect(task(migration).env).toEqual({
      P: "${NOMAD_JOB_NAME}-${NOMAD_SHORT_ALLOC_ID}",
      B: "${NOMAD_JOB_NAME}-${NOMAD_SHORT_ALLOC_ID} ${A}",
    });
    expect(entryAt(migration, `${CONTAINER}/env/0/value`).code).toBe("converted");
    expect(entryAt(migration, `${CONTAINER}/env/2/value`)).toMatchObject({ code: "nomadReplaces", severity: "error" });
  });

  test("a variable may name a Secret's key that all of the Secret brings", () => {
    const container = `envFrom: [{ secretRef: { name: db }, prefix: DB_ }]
          args: ["$(DB_password)", "$(DB_none)"]
          env: [{ name: URL, value: "x://$(DB_password)" }]`;
    const { config, templates } = task(migrateText(deployment({ container }) + SECRET));
    expect(config["args"]).toEqual(["${DB_password}", "$(DB_none)"]);
    expect(templates[0]?.data).toContain('URL={{ printf "%v%v" "x://" ((index (nomadVar');
    expect(templates[0]?.data).not.toContain("\nDB_password=");
  });
});

test("a Secret's path is one that Nomad takes, whatever it is called", () => {
  expect(storedPath("default", "tls.my.example")).toBe("kubernetes/default/tls~my~example");
  const [long, longer] = [storedPath("n", `${"x".repeat(200)}a`), storedPath("n", `${"x".repeat(200)}b`)];
  expect(long).toMatch(/^[A-Za-z0-9\-_~/]{128}$/);
  expect(long).not.toBe(longer);
});

describe("files", () => {
  test.each([
    ["plain", { data: "plain" }],
    ["", { data: '{{ "" }}' }],
    ["{{ .Values }}", { data: "{{ .Values }}", leftDelimiter: "[[", rightDelimiter: "]]" }],
    ["{{ [[ <<%", { data: "{{ [[ <<%", leftDelimiter: "<%%%<", rightDelimiter: ">%%%>" }],
  ])("the text %j is a template of itself", (text, template) => expect(literalTemplate(text)).toEqual(template));

  test("a ConfigMap's keys are files of their own mode, and lead nowhere else", () => {
    const pod =
      "volumes: [{ name: v, configMap: { name: site, defaultMode: 0400, items: [{ key: a, path: sub/a }, { key: a, path: ../../x }] } }]";
    const container = "volumeMounts: [{ name: v, mountPath: /etc/site }]";
    const migration = migrateText(
      `${deployment({ pod, container })}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: site }\ndata: { a: "{{ x }}\\n" }\n`,
    );
    expect(task(migration).templates).toEqual([
      {
        data: "{{ x }}\n",
        leftDelimiter: "[[",
        rightDelimiter: "]]",
        destination: "local/volumes/v/sub/a",
        perms: "0400",
        changeMode: "noop",
        sha256: createHash("sha256").update("{{ x }}\n").digest("hex"),
      },
    ]);
    expect(task(migration).config["volumes"]).toEqual(["local/volumes/v:/etc/site:ro"]);
    expect(entryAt(migration, "/spec/template/spec/volumes/0/configMap/items/1/path").code).toBe("badPath");
  });

  test("a claim is a volume on the node, of the size that the claim says", () => {
    const pod = "volumes: [{ name: data, persistentVolumeClaim: { claimName: files } }]";
    const container = "volumeMounts: [{ name: data, mountPath: /data }]";
    const claim =
      "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: files }\nspec: { resources: { requests: { storage: 2Gi } } }\n";
    const migration = migrateText(`${deployment({ pod, container })}---\n${claim}`);
    expect(onlyJob(migration).group.volumes).toMatchObject([{ name: "data", type: "host", source: "default.files" }]);
    expect(migration.files.get("volumes/default.files.volume.hcl")).toContain('capacity_min = "2048MiB"');
  });
});

describe("Services and probes", () => {
  const SERVICE =
    "---\napiVersion: v1\nkind: Service\nmetadata: { name: site }\nspec: { selector: { app: web }, ports: [{ port: 80, targetPort: http }] }\n";
  const container = `ports: [{ name: http, containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /ready, port: http }, timeoutSeconds: 2 }
          livenessProbe: { tcpSocket: { port: 8080 }, initialDelaySeconds: 7, failureThreshold: 5 }
          startupProbe: { tcpSocket: { port: 8080 }, failureThreshold: 4, periodSeconds: 5 }`;

  test("a Service's own port is the node's, and its checks are the probes", () => {
    const { group } = onlyJob(migrateText(deployment({ container }) + SERVICE));
    expect(group.network?.ports).toEqual([{ label: "http", static: 80, to: 8080 }]);
    expect(group.services).toMatchObject([
      {
        name: "site",
        port: "http",
        checks: [
          { type: "http", path: "/ready", timeout: 2, failuresBeforeCritical: 3 },
          { type: "tcp", checkRestart: { limit: 5, grace: 27 } },
        ],
      },
    ]);
  });

  test("by the answers a port of Nomad's choice, which clients have to look up", () => {
    const migration = migrateText(deployment({ container }) + SERVICE, { ports: "dynamic" });
    expect(onlyJob(migration).group.network?.ports).toEqual([{ label: "http", to: 8080 }]);
  });

  test("probes without a Service have one of their own", () => {
    const { group } = onlyJob(migrateText(deployment({ container })));
    expect(group.services.map(({ name, checks }) => [name, checks.length])).toEqual([["web-health", 2]]);
  });

  test("a Service that leads to nothing is an error", () => {
    expect(migrateText(SERVICE.slice(4)).ledger.map(({ code }) => code)).toContain("serviceWithoutWorkload");
  });

  test("an Ingress leads to it by tags; a prefix is one of whole steps", () => {
    const ingress =
      "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: in }\nspec: { rules: [{ host: a.example, http: { paths: [{ path: /x, pathType: Prefix, backend: { service: { name: site, port: { number: 80 } } } }] } }] }\n";
    const { group } = onlyJob(migrateText(deployment({ container }) + SERVICE + ingress));
    expect(group.services[0]?.tags[1]).toContain("rule=Host(`a.example`) && (Path(`/x`) || PathPrefix(`/x/`))");
  });
});

describe("kinds", () => {
  const kind = (apiVersion: string, name: string, spec: string) =>
    `apiVersion: ${apiVersion}\nkind: ${name}\nmetadata: { name: it }\nspec: ${spec}\n`;
  const template = "template: { spec: { containers: [{ name: a, image: b }] } }";

  test("a StatefulSet has a name by its index and volumes that stay", () => {
    const spec = `{ replicas: 3, volumeClaimTemplates: [{ metadata: { name: data }, spec: { resources: { requests: { storage: 1Gi } } } }], ${template} }`;
    const { group } = onlyJob(migrateText(kind("apps/v1", "StatefulSet", spec)));
    expect(group).toMatchObject({ count: 3, update: { maxParallel: 1 }, volumes: [{ name: "data", sticky: true }] });
    expect(group.network?.hostname).toBe("it-${NOMAD_ALLOC_INDEX}");
  });

  test("a DaemonSet is a system job", () => {
    const { type, group } = onlyJob(migrateText(kind("apps/v1", "DaemonSet", `{ ${template} }`)));
    expect([type, group.count]).toEqual(["system", undefined]);
  });

  test("a Job is a batch with its attempts", () => {
    const { type, group } = onlyJob(
      migrateText(kind("batch/v1", "Job", `{ backoffLimit: 2, parallelism: 2, completions: 2, ${template} }`)),
    );
    expect({ type, count: group.count, ...group.reschedule }).toMatchObject({ type: "batch", count: 2, attempts: 2 });
  });

  test("a CronJob is periodic; one whose schedule Nomad does not take is an error", () => {
    const cron = (schedule: string) =>
      kind(
        "batch/v1",
        "CronJob",
        `{ schedule: "${schedule}", timeZone: Europe/Paris, concurrencyPolicy: Forbid, jobTemplate: { spec: { ${template} } } }`,
      );
    expect(onlyJob(migrateText(cron("*/5 * * * *"))).periodic).toEqual({
      crons: ["*/5 * * * *"],
      timeZone: "Europe/Paris",
      prohibitOverlap: true,
    });
    expect(migrateText(cron("whenever")).ledger[0]).toMatchObject({ code: "badSchedule", severity: "error" });
  });

  test("a HorizontalPodAutoscaler is scaling, and the count is within it", () => {
    const hpa = kind(
      "autoscaling/v2",
      "HorizontalPodAutoscaler",
      "{ scaleTargetRef: { kind: Deployment, name: web }, minReplicas: 4, maxReplicas: 9, metrics: [{ type: Resource, resource: { name: cpu, target: { averageUtilization: 60 } } }, { type: Pods }] }",
    );
    const migration = migrateText(`${deployment({})}---\n${hpa}`);
    expect(onlyJob(migration).group).toMatchObject({
      count: 4,
      scaling: { min: 4, max: 9, checks: [{ name: "cpu", target: 60 }] },
    });
    expect(fate(migration, "/spec/metrics/1/type")).toBe("unsupported hpaCustomMetric");
  });

  test("a Fleet with its autoscaler is an experience that forge.toml takes", () => {
    const fleet = kind(
      "agones.dev/v1",
      "Fleet",
      "{ replicas: 2, template: { spec: { ports: [{ name: game, containerPort: 7654 }], lists: { players: { capacity: 12 } }, template: { spec: { containers: [{ name: a, image: b:1, resources: { requests: { cpu: 500m, memory: 64Mi } } }] } } } } }",
    );
    const scaler = kind(
      "autoscaling.agones.dev/v1",
      "FleetAutoscaler",
      "{ fleetName: it, policy: { type: Buffer, buffer: { bufferSize: 3, minReplicas: 1, maxReplicas: 20 } } }",
    );
    const { converted, files } = migrateText(`${fleet}---\n${scaler}`);
    expect(converted.experiences).toMatchObject([
      {
        id: "it",
        table: {
          image: "b:1",
          sdk: "agones",
          max_players: 12,
          cpu: 1000,
          memory: 64,
          ports: { game: "udp" },
          scaling: { min_servers: 1, max_servers: 20, buffer: 3 },
        },
      },
    ]);
    expect(files.get("forge.toml")).toContain("[experiences.it]");
  });

  describe("a FleetAutoscaler's policy", () => {
    const fleet = kind(
      "agones.dev/v1",
      "Fleet",
      "{ replicas: 2, template: { spec: { counters: { rooms: { capacity: 10 } }, lists: { odd: { capacity: 1, values: [a, b] } }, template: { spec: { containers: [{ name: a, image: b:1 }] } } } } }",
    );
    const scaled = (policy: string) => {
      const scaler = kind("autoscaling.agones.dev/v1", "FleetAutoscaler", `{ fleetName: it, policy: ${policy} }`);
      const migration = migrateText(`${fleet}---\n${scaler}`);
      const text = migration.files.get("forge.toml") ?? "";
      expect(Object.keys(loadConfig({ file: "forge.toml", readFile: () => text }).config.experiences)).toEqual(["it"]);
      return { migration, scaling: migration.converted.experiences[0]?.table["scaling"] };
    };

    test.each([
      [
        "{ type: Buffer, buffer: { bufferSize: 20%, maxReplicas: 9 } }",
        { min_servers: 0, max_servers: 9, chain: [{ buffer: { buffer_size: "20%", max_replicas: 9 } }] },
      ],
      [
        "{ type: Counter, counter: { key: rooms, bufferSize: 5, minCapacity: 15, maxCapacity: 45 } }",
        {
          min_servers: 2,
          max_servers: 5,
          chain: [{ counter: { key: "rooms", buffer_size: 5, min_capacity: 15, max_capacity: 45 } }],
        },
      ],
      [
        "{ type: Webhook, webhook: { service: { name: scaler, namespace: games, path: scale } } }",
        { min_servers: 0, max_servers: 100, chain: [{ webhook: { url: "http://scaler.service.consul:8000/scale" } }] },
      ],
    ])("%s", (policy, scaling) => expect(scaled(policy).scaling).toEqual(scaling));

    test.each([
      ["a module of Wasm", "{ type: Wasm, wasm: { function: scale } }"],
      ["a key that the Fleet has not", "{ type: Counter, counter: { key: toString, bufferSize: 1, maxCapacity: 9 } }"],
      ["a list that forge.toml does not take", "{ type: List, list: { key: odd, bufferSize: 1, maxCapacity: 9 } }"],
      ["bounds that cross", "{ type: Buffer, buffer: { bufferSize: 1, minReplicas: 9, maxReplicas: 2 } }"],
      ["no address", "{ type: Webhook, webhook: {} }"],
      ["a chain in a chain", "{ type: Chain, chain: [{ type: Chain, chain: [] }] }"],
      [
        "a duration that is none",
        "{ type: Schedule, schedule: { activePeriod: { duration: soon }, policy: { type: Buffer, buffer: { bufferSize: 1, maxReplicas: 2 } } } }",
      ],
    ])("%s is an error, and the Fleet's replicas stay", (_what, policy) => {
      const { migration, scaling } = scaled(policy);
      expect(scaling).toEqual({ min_servers: 2, max_servers: 2 });
      const entries = migration.ledger.filter(({ pointer }) => pointer.startsWith("/spec/policy"));
      expect(new Set(entries.map(({ code }) => code)).has("fleetPolicy")).toBe(true);
    });
  });
});
