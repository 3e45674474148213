import { deployment, entryAt, migrateText, onlyJob } from "../for-test";
import type { Migration } from "../migrate";

const IMAGE = "nginx:1.27";
const CONTAINER = "/spec/template/spec/containers/0";

function inPlace(driver: "exec" | "raw_exec", parts: { pod?: string; container?: string }, more = ""): Migration {
  return migrateText(deployment(parts) + more, {
    stand_ins: { [IMAGE]: { driver, command: ["/usr/bin/web", "-v"], env: {} } },
  });
}

test("a program of the nodes takes the image's place, on the node's network and with the container's arguments", () => {
  const container = `command: [nginx]
          args: [--config, /etc/web/site.conf, "$\{X}"]
          ports: [{ containerPort: 8080 }]
          workingDir: /srv`;
  const migration = inPlace("exec", { container });
  const { group } = onlyJob(migration);
  expect(group.network).toMatchObject({ mode: "host", ports: [{ label: "p8080", static: 8080 }] });
  expect(group.tasks[0]).toMatchObject({
    driver: "exec",
    config: { command: "/usr/bin/web", args: ["-v", "--config", "/etc/web/site.conf", "$${X}"] },
  });
  expect(entryAt(migration, `${CONTAINER}/image`).code).toBe("standIn");
  expect(entryAt(migration, `${CONTAINER}/command/0`).code).toBe("standIn");
  expect(entryAt(migration, `${CONTAINER}/args/0`).code).toBe("converted");
  expect(entryAt(migration, `${CONTAINER}/workingDir`).code).toBe("standInSetting");
});

test("what was mounted lies in the task's folder, and texts that name its path name that", () => {
  const pod = `volumes:
        - { name: site, configMap: { name: site } }
        - { name: key, secret: { secretName: key, items: [{ key: k, path: k }] } }
        - { name: shared, emptyDir: {} }
        - { name: fast, emptyDir: { medium: Memory } }
        - { name: data, persistentVolumeClaim: { claimName: data } }`;
  const container = `args: ["--dir=/etc/site/a:/etc/site2", /etc/site, /cache/x, "not/etc/site"]
          env: [{ name: KEY, value: /run/key/k }, { name: SHARED, value: "file:///shared/" }]
          volumeMounts:
            - { name: site, mountPath: /etc/site }
            - { name: key, mountPath: /run/key/ }
            - { name: shared, mountPath: /shared }
            - { name: fast, mountPath: /cache }
            - { name: data, mountPath: /data }`;
  const map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: site }\ndata: { a: b }\n";
  const migration = inPlace("raw_exec", { pod, container }, map);
  const [task] = onlyJob(migration).group.tasks;
  expect(task?.config["args"]).toEqual([
    "-v",
    "--dir=${NOMAD_TASK_DIR}/volumes/site/a:/etc/site2",
    "${NOMAD_TASK_DIR}/volumes/site",
    "${NOMAD_TASK_DIR}/volumes/memory-cache/x",
    "not/etc/site",
  ]);
  expect(task?.env).toEqual({
    KEY: "${NOMAD_SECRETS_DIR}/volumes/key/k",
    SHARED: "file://${NOMAD_ALLOC_DIR}/volumes/shared/",
  });
  expect(task?.templates.map(({ destination }) => destination)).toEqual(
    expect.arrayContaining(["${NOMAD_ALLOC_DIR}/volumes/shared/.keep", "${NOMAD_TASK_DIR}/volumes/memory-cache/.keep"]),
  );
  expect(task?.volumeMounts).toEqual([]);
  expect(entryAt(migration, `${CONTAINER}/volumeMounts/0/mountPath`).code).toBe("standInMount");
  expect(entryAt(migration, `${CONTAINER}/volumeMounts/4/mountPath`).code).toBe("standInVolume");
});

test("a Service leads to a program on the node's network by that program's own number alone", () => {
  const service = (port: number): string =>
    `---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { selector: { app: web }, ports: [{ port: ${port}, targetPort: 8080 }] }\n`;
  const codeOf = (port: number, parts: { pod?: string }): string => {
    const migration = migrateText(
      deployment({ ...parts, container: "ports: [{ containerPort: 8080 }]" }) + service(port),
    );
    return entryAt(migration, "/spec/ports/0/port").code;
  };
  expect(codeOf(80, {})).toBe("servicePort");
  expect(codeOf(8080, { pod: "hostNetwork: true" })).toBe("servicePort");
  expect(codeOf(80, { pod: "hostNetwork: true" })).toBe("hostNetworkPort");
});
