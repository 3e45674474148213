import { loadConfig } from "../../config/load";
import { entryAt, migrateText } from "../for-test";

const FLEET = `apiVersion: agones.dev/v1
kind: Fleet
metadata: { name: arena, labels: { team: red } }
spec:
  replicas: 2
  template:
    metadata: { labels: { pool: one } }
    spec:
      container: game
      ports: [{ name: game, containerPort: 7000 }, { name: proxy, containerPort: 7001, container: proxy }]
      template:
        spec:
          containers: [{ name: game, image: "game:1" }, { name: proxy, image: "proxy:1" }]
`;

describe("what a Fleet says that Forge reads otherwise", () => {
  const migration = migrateText(FLEET);

  it("labels of its servers, which allocations select by", () => {
    expect(entryAt(migration, "/spec/template/metadata/labels/pool")).toMatchObject({
      code: "fleetLabel",
      severity: "warning",
    });
    expect(entryAt(migration, "/metadata/labels/team").code).toBe("label");
    const one = migrateText(FLEET.replace(/kind: Fleet[^]*template:\n {4}metadata.*\n {4}spec:/, ONE));
    expect(entryAt(one, "/metadata/labels/pool").code).toBe("fleetLabel");
  });

  it("a port of a container that is not the game server", () => {
    expect(entryAt(migration, "/spec/template/spec/ports/1/container").code).toBe("rolePort");
    const own = migrateText(FLEET.replace("container: proxy", "container: game"));
    expect(entryAt(own, "/spec/template/spec/ports/1/container").code).toBe("converted");
  });
});

const ONE = `kind: GameServer
metadata: { name: arena, labels: { pool: one } }
spec:`;

describe("what a Fleet's servers are told", () => {
  const CONFIG = `---
apiVersion: v1
kind: ConfigMap
metadata: { name: rules }
data: { MODE: duel, not.a-name: x, MAP: ice }
`;
  const container = `{ name: game, image: "game:1", args: ["-m=$(MAP)", "-t=$(TOKEN)", "-n=$(NONE)"],
            envFrom: [{ prefix: P_, configMapRef: { name: rules } }, { configMapRef: { name: none } }],
            env: [
              { name: MAP, valueFrom: { configMapKeyRef: { name: rules, key: MAP } } },
              { name: TOKEN, valueFrom: { secretKeyRef: { name: s, key: k } } },
              { name: GONE, valueFrom: { configMapKeyRef: { name: rules, key: gone } } }] }`;
  const migration = migrateText(FLEET.replace('{ name: game, image: "game:1" }', container) + CONFIG);
  const codeOf = (end: string): string | undefined =>
    migration.ledger.find(({ pointer }) => pointer.endsWith(end))?.code;

  it("is what ConfigMaps of the input say, and what is lost is an error where it is named", () => {
    const [experience] = migration.converted.experiences;
    expect(experience?.table["env"]).toEqual({ P_MODE: "duel", P_MAP: "ice", MAP: "ice" });
    expect(experience?.table["args"]).toEqual(["-m=ice", "-t=$(TOKEN)", "-n=$(NONE)"]);
    const codes = ["args/0", "args/1", "args/2", "envFrom/1/configMapRef/name", "env/2/name", "data/not.a-name"];
    expect(codes.map(codeOf)).toEqual([
      "converted",
      "gameEnvironment",
      "converted",
      "gameEnvironment",
      "gameEnvironment",
      "gameEnvironment",
    ]);
    expect(codeOf("/data/MODE")).toBe("configInJob");
  });

  it("has a port for each that it lists, whatever they are called", () => {
    const ports = "ports: [{ name: a-b }, { name: A_B, protocol: TCP }, { name: a-b }]";
    const { experiences } = migrateText(FLEET.replace(/ports: .*/, ports)).converted;
    expect(experiences[0]?.table["ports"]).toEqual({ a_b: "udp", a_b_2: "tcp", a_b_3: "udp" });
  });

  it("has Agones' defaults for times that are not above 0", () => {
    const health = "health: { initialDelaySeconds: 0, failureThreshold: -1, periodSeconds: 7 }\n      ports:";
    const { experiences } = migrateText(FLEET.replace("ports:", health)).converted;
    expect(experiences[0]?.table["health"]).toEqual({ sdk: true, period_secs: 7 });
  });
});

describe("names and ports that forge.toml has for itself", () => {
  function loaded(text: string) {
    const migration = migrateText(text);
    const toml = migration.files.get("forge.toml") ?? "";
    expect(() => loadConfig({ file: "forge.toml", readFile: () => toml })).not.toThrow();
    return migration;
  }

  it("are not given to a port called sdk, or a container called server", () => {
    const text = FLEET.replace("name: proxy, containerPort", "name: sdk, containerPort").replaceAll("proxy", "server");
    const table = loaded(text).converted.experiences[0]?.table;
    expect(table?.["ports"]).toEqual({ game: "udp", sdk_2: "udp" });
    expect(Object.keys(table?.["roles"] ?? {})).toEqual(["server-2"]);
  });

  it("are one fixed port of the node for both protocols, and for one server", () => {
    const server = (name: string): string => `apiVersion: agones.dev/v1
kind: GameServer
metadata: { name: ${name} }
spec:
  ports:
    - { name: game, portPolicy: Static, containerPort: 7777, hostPort: 7777 }
    - { name: query, portPolicy: Static, containerPort: 7777, hostPort: 7777, protocol: TCP }
  template: { spec: { containers: [{ name: g, image: "g:1" }] } }
`;
    const { converted, ledger } = loaded(`${server("one")}---\n${server("two")}`);
    expect(converted.experiences.map(({ table }) => table["ports"])).toEqual([
      { game: { protocol: "udp", static: 7777 } },
      { game: "udp", query: "tcp" },
    ]);
    const codes = ledger.filter(({ pointer }) => pointer.endsWith("/hostPort")).map(({ code }) => code);
    expect(codes).toEqual(["converted", "bothProtocols", "fixedPortTaken", "fixedPortTaken"]);
  });
});
