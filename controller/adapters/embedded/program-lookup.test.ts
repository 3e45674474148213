import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError, type TaskLaunch } from "../../engine";
import { findTaskProgram, type LookupPlace } from "./program-lookup";

let folder: string;
let place: LookupPlace;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-lookup-"));
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "bin", "folder"));
  for (const name of ["game", "java", "node"]) {
    writeFileSync(join(folder, "bin", name), "");
    chmodSync(join(folder, "bin", name), 0o755);
  }
  for (const name of ["server.js", "game.jar", "plain"]) writeFileSync(join(folder, name), "");
  const fill = (text: string) => text.replaceAll("${FORGE_HOME}", folder);
  place = { path: `/nowhere:${join(folder, "bin")}`, baseDir: folder, node: "/the/node", fill };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const task = (changes: Partial<TaskLaunch>): TaskLaunch => ({
  name: "primary",
  command: undefined,
  image: undefined,
  driver: "exec",
  args: [],
  env: {},
  cpu: 1,
  memory: 1,
  ...changes,
});
const refusal = (changes: Partial<TaskLaunch>): EngineError => {
  try {
    findTaskProgram(task(changes), place);
  } catch (error) {
    if (error instanceof EngineError) return error;
  }
  throw new Error("it was found");
};

describe("a task's program", () => {
  it("is found by name on PATH, by path, and from the folder of forge.toml", () => {
    const game = { command: join(folder, "bin", "game"), before: [] };
    expect(findTaskProgram(task({ command: "game" }), place)).toEqual(game);
    expect(findTaskProgram(task({ command: join(folder, "bin", "game") }), place)).toEqual(game);
    expect(findTaskProgram(task({ command: "./bin/game", driver: "raw_exec" }), place)).toEqual(game);
    expect(findTaskProgram(task({ command: "${FORGE_HOME}/bin/game" }), place)).toEqual(game);
  });

  it("is the Node that runs Forge for node and for JavaScript", () => {
    expect(findTaskProgram(task({ command: "node" }), place)).toEqual({ command: "/the/node", before: [] });
    const script = { command: "/the/node", before: [join(folder, "server.js")] };
    expect(findTaskProgram(task({ command: "server.js" }), place)).toEqual(script);
  });

  it("is java for a jar", () => {
    const jar = { command: join(folder, "bin", "java"), before: ["-jar", join(folder, "game.jar")] };
    expect(findTaskProgram(task({ driver: "java", command: "game.jar" }), place)).toEqual(jar);
  });

  it("is missing with the places searched and what to do", () => {
    const error = refusal({ command: "no-game" });
    expect(error.code).toBe("programMissing");
    expect(error.message).toContain(`/nowhere:${join(folder, "bin")}:/usr/games`);
    expect(refusal({ command: "./no-game" }).message).toContain(`${folder}/no-game (./no-game from ${folder})`);
    expect(refusal({ command: "./plain" }).message).toContain("chmod +x");
    expect(refusal({ command: "folder" }).code).toBe("programMissing");
    expect(refusal({ command: "missing.cjs" }).code).toBe("programMissing");
  });

  it("cannot be a container, or nothing at all", () => {
    const docker = refusal({ driver: "docker", image: "registry.example.com/arena:1", command: "game" });
    expect(docker.code).toBe("driverUnsupported");
    expect(docker.message).toContain('engine = "nomad"');
    expect(refusal({ image: "arena:1" }).code).toBe("driverUnsupported");
    expect(refusal({}).code).toBe("startFailed");
  });
});
