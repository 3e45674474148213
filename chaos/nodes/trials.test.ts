import { PROGRAM_START } from "../../config/program-start";
import { isGate } from "./trials";

it("knows a gate by its command as the job starts it, and no other program", () => {
  expect(isGate(["node", ...PROGRAM_START.gate.nodeOptions, "/alloc/gate/local/gate.js"])).toBe(true);
  expect(isGate(["node", ...PROGRAM_START.agent.nodeOptions, "/alloc/agent/local/agent.js"])).toBe(false);
  expect(isGate(["tail", "gate.js.log"])).toBe(false);
});
