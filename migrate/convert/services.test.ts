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

describe("a Service's ports beyond the first", () => {
  const container = "ports: [{ name: http, containerPort: 80 }, { name: metrics, containerPort: 9090 }]";
  const service = (name: string, ports: string): string => `---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: web }, ports: [${ports}] }
`;
  const namesOf = (text: string): readonly (readonly [string, string | undefined])[] =>
    onlyJob(migrateText(text)).group.services.map(({ name, port }) => [name, port]);

  it("have names that no other Service has", () => {
    const both = service("web", "{ name: http, port: 80 }, { name: metrics, port: 9090 }");
    expect(namesOf(deployment({ container }) + both)).toEqual([
      ["web", "http"],
      ["web-metrics", "metrics"],
    ]);
    expect(namesOf(deployment({ container }) + both + service("web-metrics", "{ port: 9090 }"))).toEqual([
      ["web-metrics", "metrics"],
      ["web", "http"],
      ["web-metrics-2", "metrics"],
    ]);
  });

  it("have names that are short enough, also with a number", () => {
    const long = "x".repeat(60);
    const taken = service(`${long}-me`, "{ port: 9090 }");
    const text = deployment({ container }) + service(long, "{ port: 80 }, { name: metrics, port: 9090 }") + taken;
    const names = namesOf(text).map(([name]) => name);
    expect(new Set(names).size).toBe(3);
    expect(Math.max(...names.map((name) => name.length))).toBeLessThan(64);
  });

  it("are one registration where they are one port of one name", () => {
    const twice = service("web", "{ port: 80 }, { port: 80, protocol: UDP }");
    expect(namesOf(deployment({ container }) + twice)).toEqual([["web", "http"]]);
  });
});

it("asks for paths that are no URL's in the signs that stand for them", () => {
  const probe = 'readinessProbe: { httpGet: { port: 80, path: "/100%/a%20b\\n" } }';
  const [service] = onlyJob(migrateText(deployment({ container: probe }))).group.services;
  expect(service?.checks[0]?.path).toBe("/100%25/a%20b%0A");
});
