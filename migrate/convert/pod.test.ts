import { deployment, entryAt, migrateText, onlyJob } from "../for-test";

const POD = "/spec/template/spec";

describe("a pod", () => {
  it("has the node's processes and queues where it asks for them", () => {
    const job = onlyJob(migrateText(deployment({ pod: "hostPID: true\n      hostIPC: true" })));
    expect(job.group.tasks[0]?.config).toMatchObject({ pid_mode: "host", ipc_mode: "host" });
    const without = onlyJob(migrateText(deployment({ pod: "hostPID: false" })));
    expect(without.group.tasks[0]?.config).toEqual({ image: "nginx:1.27" });
  });

  it("keeps the options of its resolver", () => {
    const options = 'options: [{ name: ndots, value: "1" }, { name: edns0 }]';
    const { network } = onlyJob(migrateText(deployment({ pod: `dnsConfig: { ${options} }` }))).group;
    expect(network?.dns).toEqual({ searches: ["service.consul"], options: ["ndots:1", "edns0"] });
  });

  it.each(["system-cluster-critical", "system-node-critical"])("has the cluster's own class %s", (name) => {
    const migration = migrateText(deployment({ pod: `priorityClassName: ${name}` }));
    expect(onlyJob(migration).priority).toBe(100);
    expect(entryAt(migration, `${POD}/priorityClassName`).code).toBe("priority");
  });

  it("has an empty folder for a volume that says nothing of itself", () => {
    const text = deployment({
      pod: "volumes: [{ name: data }]",
      container: "volumeMounts: [{ name: data, mountPath: /d }]",
    });
    const migration = migrateText(text);
    expect(onlyJob(migration).group.tasks[0]?.config["volumes"]).toEqual(["../alloc/volumes/data:/d"]);
    expect(entryAt(migration, `${POD}/containers/0/volumeMounts/0/name`).code).toBe("converted");
  });
});

it("takes a probe's 0 as what nobody said, as Kubernetes does", () => {
  const probe =
    "{ tcpSocket: { port: 80 }, periodSeconds: 0, timeoutSeconds: 0, failureThreshold: 0, successThreshold: 0 }";
  const text = deployment({ container: `livenessProbe: ${probe}\n          startupProbe: ${probe}` });
  const [service] = onlyJob(migrateText(text)).group.services;
  expect(service?.checks[0]).toMatchObject({ interval: 10, timeout: 1, checkRestart: { limit: 3, grace: 30 } });
});

it("says that a startupProbe alone restarts nothing", () => {
  const startup = "startupProbe: { tcpSocket: { port: 80 } }";
  const codeOf = (container: string): string =>
    entryAt(migrateText(deployment({ container })), `${POD}/containers/0/startupProbe/tcpSocket/port`).code;
  expect(codeOf(startup)).toBe("startupAlone");
  expect(codeOf(`${startup}\n          livenessProbe: { tcpSocket: { port: 80 } }`)).toBe("startupProbe");
});

it("mounts what a subPath names of a folder of the node", () => {
  const text = deployment({
    pod: "volumes: [{ name: h, hostPath: { path: /srv/ } }]",
    container: "volumeMounts: [{ name: h, mountPath: /d, subPath: a/b, readOnly: true }]",
  });
  expect(onlyJob(migrateText(text)).group.tasks[0]?.config["volumes"]).toEqual(["/srv/a/b:/d:ro"]);
});

it("lifts the profiles that a container is to be without, its own before the pod's", () => {
  const pod = "securityContext: { seccompProfile: { type: Unconfined }, appArmorProfile: { type: Unconfined } }";
  const container = "securityContext: { appArmorProfile: { type: RuntimeDefault } }";
  const migration = migrateText(deployment({ pod, container }));
  expect(onlyJob(migration).group.tasks[0]?.config["security_opt"]).toEqual(["seccomp=unconfined"]);
  expect(entryAt(migration, `${POD}/securityContext/seccompProfile/type`).code).toBe("converted");
});
