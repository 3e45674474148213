import { forgePort, gateAddress, rolePeers } from "./environment";

describe("the environment of a game server", () => {
  it("says where the gate is", () => {
    const { url, token } = gateAddress({ FORGE_SDK_URL: "http://127.0.0.1:7", FORGE_SDK_TOKEN: "t" });
    expect([url.href, token]).toEqual(["http://127.0.0.1:7/", "t"]);
  });

  it.each([
    [{}, "FORGE_SDK_URL is not set"],
    [{ FORGE_SDK_URL: "http://127.0.0.1:7" }, "FORGE_SDK_TOKEN is not set"],
    [{ FORGE_SDK_URL: "127.0.0.1:7", FORGE_SDK_TOKEN: "t" }, 'FORGE_SDK_URL is "127.0.0.1:7": expected http://'],
    [{ FORGE_SDK_URL: "https://h", FORGE_SDK_TOKEN: "t" }, "expected http://"],
  ])("%j: %s", (env, message) => {
    expect(() => gateAddress(env)).toThrow(message);
  });

  it("names ports as forge.toml does", () => {
    expect(forgePort({ FORGE_PORT_GAME: "7000" }, "game")).toBe(7000);
    expect(forgePort({ FORGE_PORT_VOICE_CHAT: "7001" }, "voice-chat")).toBe(7001);
    expect(() => forgePort({}, "game")).toThrow('FORGE_PORT_GAME is not set: declare the port "game" in forge.toml');
    expect(() => forgePort({ FORGE_PORT_GAME: "many" }, "game")).toThrow('is "many", not a port number');
  });

  it("lists the servers of fleet roles", () => {
    const peers = rolePeers({
      FORGE_ROLE_AI: "a:1, b:2",
      FORGE_ROLE_WORLD_GEN: "c:3",
      FORGE_ROLE: "server",
      OTHER: "d:4",
    });
    expect([...peers]).toEqual([
      ["ai", ["a:1", "b:2"]],
      ["world_gen", ["c:3"]],
    ]);
  });
});
