import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../config/load";
import { initTemplates, renderTemplate, TemplateError } from "./templates";

const options = { folder: __dirname, readFile: (path: string) => readFileSync(path, "utf8") };

function fileOf(template: string, path: string, sdk?: string): string {
  const files = renderTemplate(template, "arena", sdk === undefined ? options : { ...options, sdk });
  return files.find((file) => file.path === path)?.contents ?? "";
}

function experienceOf(template: string) {
  const text = fileOf(template, "forge.toml");
  return loadConfig({ file: "forge.toml", readFile: () => text }).config.experiences.arena;
}

describe("templates", () => {
  test("are the folders there are, with all their files", () => {
    const folders = readdirSync(__dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(initTemplates.map(({ name }) => name).sort()).toEqual(folders.map(({ name }) => name).sort());
    for (const { name, files } of initTemplates) {
      expect([name, [...files].sort()]).toEqual([name, readdirSync(join(__dirname, name)).sort()]);
    }
  });

  test.each(initTemplates.map(({ name }) => name))("%s is a project of the name it is given", (name) => {
    const files = renderTemplate(name, "Battle Royale!", options);
    expect(files.map(({ contents }) => contents).join("")).not.toContain("my-game");
    const text = files.find(({ path }) => path === "forge.toml")?.contents ?? "";
    const { config } = loadConfig({ file: "forge.toml", readFile: () => text });
    expect(Object.keys(config.experiences)).toEqual(["battle-royale"]);
  });

  test("each shows its own way of running servers", () => {
    expect(experienceOf("websocket")).toMatchObject({ sdk: "forge", seats: "reported", command: "./server.mjs" });
    expect(experienceOf("luanti")).toMatchObject({ kind: "world", sdk: "none", seats: "observed" });
    expect(experienceOf("image")).toMatchObject({ sdk: "agones", seats: "match", driver: "docker" });
  });

  test("the SDK can be installed from elsewhere than the registry", () => {
    const dependencies = (text: string) =>
      (JSON.parse(text) as { dependencies: Readonly<Record<string, string>> }).dependencies;
    expect(dependencies(fileOf("websocket", "package.json", "file:../sdk"))).toEqual({
      ...dependencies(fileOf("websocket", "package.json")),
      "eustress-forge-sdk": "file:../sdk",
    });
  });

  test("asks for the SDK and the WebSocket library that this repository has", () => {
    const versions = ["sdk/package.json", "node_modules/ws/package.json"].map(
      (path) => (JSON.parse(readFileSync(join(__dirname, "..", "..", path), "utf8")) as { version: string }).version,
    );
    const { dependencies } = JSON.parse(fileOf("websocket", "package.json")) as { dependencies: object };
    expect(Object.values(dependencies)).toEqual(versions);
  });

  test("an unknown template, and a name without letters, are refused with what to write", () => {
    expect(() => renderTemplate("unity", "arena", options)).toThrow(TemplateError);
    expect(() => renderTemplate("unity", "arena", options)).toThrow(/websocket, luanti, image/);
    expect(() => renderTemplate("image", "42", options)).toThrow(/such as my-game/);
  });
});
