import { parse } from "smol-toml";
import { loadConfig } from "../../config/load";
import type { Answers } from "../answers";
import { entryAt, migrateText } from "../for-test";

const CONTAINERS = "/spec/template/spec/template/spec/containers";

function converted(containers: string, answers: Partial<Answers> = {}) {
  const text = `apiVersion: agones.dev/v1\nkind: Fleet\nmetadata: { name: arena }\nspec: { template: { spec: { template: { spec: { containers: [${containers}] } } } } }\n`;
  const migration = migrateText(text, answers);
  const toml = migration.files.get("forge.toml") ?? "";
  expect(() => loadConfig({ file: "forge.toml", readFile: () => toml })).not.toThrow();
  const { experiences } = parse(toml) as { experiences: { arena: Record<string, unknown> } };
  return { migration, arena: experiences.arena, toml };
}

test("variables that name each other are what Kubernetes makes of them", () => {
  const { arena } = converted(
    '{ name: a, image: "b:1", args: ["$(B)", "$$(B)", "$(C)"], env: [{ name: A, value: x }, { name: B, value: "$(A)y" }] }',
  );
  expect(arena).toMatchObject({ args: ["xy", "$(B)", "$(C)"], env: { A: "x", B: "xy" } });
});

test("what looks like a secret, and names that are Forge's, stay out of forge.toml and are errors", () => {
  const secret = "hvs.CAESIJ1234567890abcdefghijklmnop";
  const env = `[{ name: API_TOKEN, value: abc }, { name: FORGE_X, value: a }, { name: P, value: "\${NOMAD_PORT_none}" }, { name: OK, value: b }]`;
  const { migration, arena, toml } = converted(`{ name: a, image: "b:1", args: [one, ${secret}], env: ${env} }`);
  expect(arena).toMatchObject({ args: ["one", ""], env: { OK: "b" } });
  expect(toml).not.toContain(secret);
  expect(entryAt(migration, `${CONTAINERS}/0/env/0/value`)).toMatchObject({ code: "gameSecret", severity: "error" });
  expect(entryAt(migration, `${CONTAINERS}/0/env/1/value`).code).toBe("gameEnvironment");
  expect(entryAt(migration, `${CONTAINERS}/0/env/2/value`).code).toBe("gameEnvironment");
  expect(entryAt(migration, `${CONTAINERS}/0/args/1`).code).toBe("gameSecret");
});

test("containers beside the server are its roles, each by a name of its own", () => {
  const { arena } = converted(
    '{ name: a, image: "b:1" }, { name: logs, image: "l:1", args: [-v] }, { name: logs, image: "m:1" }, { name: none }',
  );
  expect(arena["roles"]).toMatchObject({
    logs: { per: "server", image: "l:1", args: ["-v"] },
    "logs-2": { per: "server", image: "m:1" },
  });
});

test("a stand-in brings command, driver and variables, and keeps the image's version", () => {
  const standIn = { driver: "raw_exec", command: ["/bin/game", "-q"], env: { PORT: "${NOMAD_PORT_game}" } } as const;
  const { arena, toml } = converted('{ name: a, image: "r/b:1.4.2", args: [x], env: [{ name: PORT, value: "1" }] }', {
    stand_ins: { "r/b:1.4.2": { ...standIn, command: [...standIn.command], env: {} } },
    engine: "embedded",
  });
  expect(arena).toMatchObject({ command: "/bin/game", args: ["-q", "x"], driver: "raw_exec", version: "1.4.2" });
  expect(arena).not.toHaveProperty("image");
  expect(toml).toContain('engine = "embedded"');
});
