import fc from "fast-check";
import { fleetRoleJobId, gameServerJobId, worldVolumeName } from "../config/region-names";
import { driverText, writeOut } from "./server-environment";

describe("driverText", () => {
  test.each([
    ["--port=${NOMAD_PORT_game}", "--port=${NOMAD_PORT_game}"],
    [
      "${node.unique.name} ${attr.kernel.name} ${meta.public_ip}",
      "${node.unique.name} ${attr.kernel.name} ${meta.public_ip}",
    ],
    ["${MAP}", "${MAP}"],
    ["${UNKNOWN} ${a b} ${toString}", "$${UNKNOWN} $${a b} $${toString}"],
    ["%{ if x }", "%%{ if x }"],
    ["open ${", "open $${"],
    ["plain $HOME 100%", "plain $HOME 100%"],
  ])("%s becomes %s", (text, expected) => {
    expect(driverText(text, { MAP: "x" })).toBe(expected);
  });

  test("without references, what HCL makes of it is what was written", () => {
    const part = fc.oneof(fc.constantFrom("$", "%", "{", "}", "${x}", "%{", "$$"), fc.string());
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const text = parts.join("");
        const escaped = driverText(text, {});
        fc.pre(!/\$\{(?:NOMAD_|node\.|attr\.|meta\.)/.test(text));
        expect(escaped.replace(/\$\$\{|%%\{/g, (opening) => opening.slice(1))).toBe(text);
      }),
    );
  });
});

describe("writeOut", () => {
  test("replaces what Forge sets, and only that", () => {
    const forge = { FORGE_HOME: "/opt/$&", FORGE_PORT_GAME: "${NOMAD_PORT_game}" };
    expect(writeOut("${FORGE_HOME}:${FORGE_PORT_GAME}:${FORGE_OTHER}:${HOME}", forge)).toBe(
      "/opt/$&:${NOMAD_PORT_game}:${FORGE_OTHER}:${HOME}",
    );
  });
});

describe("names of jobs and volumes", () => {
  test("no two of different things are the same", () => {
    const name = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,3}$/);
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 3, maxLength: 3 }),
        fc.array(name, { minLength: 3, maxLength: 3 }),
        (a, b) => {
          const names = ([region = "", experience = "", third = ""]: string[]) => [
            gameServerJobId(region, experience),
            fleetRoleJobId(region, experience, third),
          ];
          fc.pre(a.join(".") !== b.join("."));
          const [serverA, roleA] = names(a);
          const [serverB, roleB] = names(b);
          expect(roleA).not.toBe(roleB);
          expect([serverA, roleA]).not.toContain(
            a.slice(0, 2).join(".") === b.slice(0, 2).join(".") ? undefined : serverB,
          );
        },
      ),
    );
  });

  test("what is no name of forge.toml is refused", () => {
    expect(() => gameServerJobId("us.east", "arena")).toThrow(/"us.east" is not a name/);
    expect(() => worldVolumeName("us-east", "arena", "../etc")).toThrow(/not a name/);
  });
});
