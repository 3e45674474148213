import { deployment, entryAt, migrateText, onlyJob } from "../for-test";
import type { Migration } from "../migrate";

const SERVICE = `---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;

/** Rules of the routers that an Ingress's paths come to, the one that is asked first in front. */
function asked(migration: Migration): readonly string[] {
  const tags = onlyJob(migration).group.services.flatMap((service) => service.tags);
  const of = (what: string): Map<string, string> => {
    const found = tags.flatMap((tag) => {
      const [, name, text] = new RegExp(`^traefik\\.http\\.routers\\.([^.]+)\\.${what}=(.*)$`).exec(tag) ?? [];
      return name === undefined || text === undefined ? [] : ([[name, text]] as const);
    });
    return new Map(found);
  };
  const priorities = of("priority");
  return [...of("rule")]
    .sort(([a], [b]) => Number(priorities.get(b)) - Number(priorities.get(a)))
    .map(([, rule]) => rule);
}

function ingress(...rules: readonly string[]): Migration {
  const text = `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: in }
spec: { defaultBackend: ${BACKEND}, rules: [${rules.join(", ")}] }
`;
  return migrateText(deployment({}) + SERVICE + text);
}
const BACKEND = "{ service: { name: web, port: { number: 80 } } }";
const path = (text: string, type: string): string => `{ path: "${text}", pathType: ${type}, backend: ${BACKEND} }`;
const rule = (host: string, ...paths: readonly string[]): string =>
  `{ ${host === "" ? "" : `host: "${host}", `}http: { paths: [${paths.join(", ")}] } }`;

describe("an Ingress", () => {
  it("is asked in Kubernetes' order, whatever the length of a rule", () => {
    const migration = ingress(
      rule("", path("/a/path/longer/than/the/others", "Prefix")),
      rule("*.b.example", path("/", "Prefix")),
      rule("a.example", path("/", "Prefix"), path("/", "Exact"), path("/x", "Prefix"), path("/x", "Exact")),
    );
    expect(asked(migration)).toEqual([
      "Host(`a.example`) && Path(`/x`)",
      "Host(`a.example`) && (Path(`/x`) || PathPrefix(`/x/`))",
      "Host(`a.example`) && Path(`/`)",
      "Host(`a.example`) && PathPrefix(`/`)",
      "HostRegexp(`^[^.]+\\.b\\.example$`) && PathPrefix(`/`)",
      "(Path(`/a/path/longer/than/the/others`) || PathPrefix(`/a/path/longer/than/the/others/`))",
      "PathPrefix(`/`)",
    ]);
  });

  it("takes nginx's regular expressions for what they are, and says that they are the controller's", () => {
    const migration = ingress(rule("", path("/api(/|$)(.*)", "ImplementationSpecific")));
    expect(asked(migration)[0]).toBe("PathRegexp(`^/api(/|$)(.*)`)");
    const { ledger } = migration;
    expect(ledger.find(({ pointer }) => pointer.endsWith("/pathType"))?.code).toBe("ingressPathType");
  });
});

test("a match of an HTTPRoute is asked in its own place", () => {
  const matches = "[{ path: { type: Exact, value: / } }, { path: { value: / } }, { path: { value: / }, method: GET }]";
  const text = `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: r }
spec: { hostnames: ["*.b.example"], rules: [{ matches: ${matches}, backendRefs: [{ name: web, port: 80 }] }] }
`;
  const migration = migrateText(deployment({}) + SERVICE + text);
  expect(asked(migration)).toEqual(
    ["Path(`/`)", "PathPrefix(`/`) && Method(`GET`)", "PathPrefix(`/`)"].map(
      (match) => `HostRegexp(\`^.+\\.b\\.example$\`) && ${match}`,
    ),
  );
  expect(entryAt(migration, "/spec/hostnames/0").code).toBe("ingressGateway");
});
