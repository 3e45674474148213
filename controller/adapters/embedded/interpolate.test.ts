import fc from "fast-check";
import { interpolate } from "./interpolate";

const values = { NOMAD_PORT_game: "20001", FORGE_HOME: "/opt/forge", HOME: "/root" };

describe("interpolate", () => {
  it.each([
    ["${NOMAD_PORT_game}", "20001"],
    ["--port=${NOMAD_PORT_game} --from ${FORGE_HOME}/maps", "--port=20001 --from /opt/forge/maps"],
    ["${NOMAD_PORT_game}${NOMAD_PORT_game}", "2000120001"],
    ["$NOMAD_PORT_game", "$NOMAD_PORT_game"],
    ["${HOME}", "${HOME}"],
    ["${nomad_port_game}", "${nomad_port_game}"],
    ["${ NOMAD_PORT_game }", "${ NOMAD_PORT_game }"],
    ["$${NOMAD_PORT_game}", "$20001"],
    ["${NOMAD_PORT_game", "${NOMAD_PORT_game"],
    ["", ""],
  ])("%j is %j", (text, expected) => {
    expect(interpolate(text, values)).toEqual({ text: expected, unknown: [] });
  });

  it("leaves what it does not know, and names it", () => {
    expect(interpolate("${NOMAD_UNKNOWN}:${FORGE_NOT}:${NOMAD_PORT_game}", values)).toEqual({
      text: "${NOMAD_UNKNOWN}:${FORGE_NOT}:20001",
      unknown: ["NOMAD_UNKNOWN", "FORGE_NOT"],
    });
  });

  it("does not take what every object has for a value", () => {
    const inherited = Object.create({ FORGE_INHERITED: "no" }) as Record<string, string>;
    expect(interpolate("${FORGE_INHERITED}", inherited).unknown).toEqual(["FORGE_INHERITED"]);
  });

  it("never looks into a value", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(interpolate("<${FORGE_X}>", { FORGE_X: value, FORGE_Y: "y" }).text).toBe(`<${value}>`);
      }),
      { examples: [["${FORGE_Y}"], ["$&"], ["$1"]] },
    );
  });
});
