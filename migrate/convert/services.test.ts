import { deployment, entryAt, migrateText, onlyJob } from "../for-test";

const PORTS = "/spec/template/spec/containers/0/ports";

it("registers a Service without ports by its name, and says what it lacks", () => {
  const service = `---
apiVersion: v1
kind: Service
metadata: { name: peers }
spec: { clusterIP: None, selector: { app: web } }
`;
  for (const services of ["consul", "nomad"] as const) {
    const migration = migrateText(deployment({}) + service, { services });
    expect(onlyJob(migration).group.services).toEqual([
      { name: "peers", port: undefined, provider: services, tags: [], checks: [] },
    ]);
    expect(entryAt(migration, "/spec/selector/app").code).toBe("portlessService");
  }
});

describe("the node's ports of one number in the container", () => {
  const ports = (first: number, second: number): string =>
    `ports: [{ containerPort: 7000, hostPort: ${first} }, { containerPort: 7000, hostPort: ${second}, protocol: UDP }]`;

  it("are one where they are the same, and each where they are not", () => {
    const listOf = (text: string) => onlyJob(migrateText(text)).group.network?.ports;
    expect(listOf(deployment({ container: ports(7000, 7000) }))).toEqual([{ label: "p7000", static: 7000, to: 7000 }]);
    expect(listOf(deployment({ container: ports(7001, 7002) }))).toEqual([
      { label: "p7000", static: 7001, to: 7000 },
      { label: "host", static: 7002, to: 7000 },
    ]);
  });

  it("are an error where another has the number", () => {
    const container = "ports: [{ containerPort: 7000, hostPort: 80 }, { containerPort: 7001, hostPort: 80 }]";
    const migration = migrateText(deployment({ container }));
    expect(entryAt(migration, `${PORTS}/0/hostPort`).code).toBe("staticPort");
    expect(entryAt(migration, `${PORTS}/1/hostPort`).code).toBe("portTaken");
  });
});
