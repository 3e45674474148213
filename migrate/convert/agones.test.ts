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
