/**
 * How long `forge migrate` takes for many manifests, from files on disk to the files that it writes, in CPU and wall time,
 * with the memory that it needed. The manifests are an application's usual ones, made here: Deployment, Service, ConfigMap,
 * Secret, HorizontalPodAutoscaler, Ingress, a third of the workloads with Agones' Fleets beside; or those of a folder,
 * repeated until there are enough.
 *
 *   npx tsx bench/migrate-manifests.ts [--manifests 5000] [--folder DIR]
 */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { DEFAULT_ANSWERS } from "../migrate/answers";
import { migrate } from "../migrate/migrate";
import { readSources, type SourceDisk } from "../migrate/reader/read-sources";
import { tellFigure } from "./figure";
import { machineLine } from "./machine";

const { values } = parseArgs({
  options: { manifests: { type: "string", default: "5000" }, folder: { type: "string" } },
});
const wanted = Number(values.manifests);

function application(at: number): string {
  const name = `shop-${at}`;
  const meta = `{ name: ${name}, namespace: team-${at % 20}, labels: { app: ${name} } }`;
  const fleet = `apiVersion: agones.dev/v1\nkind: Fleet\nmetadata: ${meta}\nspec: { replicas: 2, template: { spec: { ports: [{ name: game, containerPort: 7654 }], template: { spec: { containers: [{ name: game, image: game:1 }] } } } } }\n`;
  const documents = [
    `apiVersion: apps/v1
kind: Deployment
metadata: ${meta}
spec:
  replicas: 3
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name}, tier: web } }
    spec:
      terminationGracePeriodSeconds: 20
      containers:
        - name: web
          image: registry.example.com/${name}:1.2.3
          args: ["--port", "8080"]
          ports: [{ name: http, containerPort: 8080 }]
          env: [{ name: LEVEL, value: info }, { name: PASS, valueFrom: { secretKeyRef: { name: ${name}, key: password } } }]
          resources: { requests: { cpu: 100m, memory: 64Mi }, limits: { memory: 128Mi } }
          readinessProbe: { httpGet: { path: /ready, port: http }, periodSeconds: 5 }
          livenessProbe: { httpGet: { path: /live, port: http } }
          volumeMounts: [{ name: config, mountPath: /etc/${name} }]
      volumes: [{ name: config, configMap: { name: ${name} } }]
`,
    `apiVersion: v1\nkind: Service\nmetadata: ${meta}\nspec: { selector: { app: ${name} }, ports: [{ port: ${1000 + (at % 20_000)}, targetPort: http }] }\n`,
    `apiVersion: v1\nkind: ConfigMap\nmetadata: ${meta}\ndata:\n  app.yaml: |\n${"    key: value of some length\n".repeat(20)}`,
    `apiVersion: v1\nkind: Secret\nmetadata: ${meta}\nstringData: { password: none }\n`,
    `apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: ${meta}\nspec: { scaleTargetRef: { kind: Deployment, name: ${name} }, minReplicas: 2, maxReplicas: 9, metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 60 } } }] }\n`,
    at % 3 === 0
      ? fleet
      : `apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: ${meta}\nspec: { rules: [{ host: ${name}.example.com, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: ${name}, port: { number: 80 } } } }] } }] }\n`,
  ];
  return documents.join("---\n");
}

function ofFolder(folder: string): readonly string[] {
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ya?ml|json)$/.test(file));
  return files.sort().map((file) => fs.readFileSync(join(folder, file), "utf8"));
}

const disk: SourceDisk = {
  stat(path) {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    return stat === undefined ? undefined : { isDirectory: stat.isDirectory(), bytes: stat.size };
  },
  list: (path) => fs.readdirSync(path),
  read: (path) => fs.readFileSync(path),
  readInput: () => new Uint8Array(),
};

const folder = fs.mkdtempSync(join(tmpdir(), "forge-bench-migrate-"));
try {
  fs.mkdirSync(join(folder, "in"));
  const texts = values.folder === undefined ? undefined : ofFolder(values.folder);
  let manifests = 0;
  let bytes = 0;
  for (let at = 0; manifests < wanted; at++) {
    const text = texts === undefined ? application(at) : (texts[at % texts.length] ?? "");
    manifests += text.split(/^---/m).length;
    bytes += text.length;
    fs.writeFileSync(join(folder, "in", `${at}.yaml`), text);
  }

  console.log(machineLine());
  const started = performance.now();
  const before = process.cpuUsage();
  const migration = migrate(readSources([join(folder, "in")], disk), DEFAULT_ANSWERS);
  for (const [file, text] of migration.files) {
    const to = join(folder, "out", file);
    fs.mkdirSync(dirname(to), { recursive: true });
    fs.writeFileSync(to, text);
  }
  const { user, system } = process.cpuUsage(before);
  const wallMs = performance.now() - started;
  tellFigure("migrate", { wallMs, cpuMs: (user + system) / 1000, manifests });
  console.table({
    [`${manifests} manifests`]: {
      "MB read": (bytes / 1e6).toFixed(1),
      values: migration.ledger.length,
      jobs: migration.converted.jobs.length,
      "files written": migration.files.size,
      "wall s": (wallMs / 1000).toFixed(1),
      "CPU s": ((user + system) / 1e6).toFixed(1),
      "most memory, MiB": Math.round(process.resourceUsage().maxRSS / 1024),
    },
  });
} finally {
  fs.rmSync(folder, { recursive: true });
}
