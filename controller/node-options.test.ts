import { execFileSync } from "node:child_process";
import { CONTROLLER_NODE_OPTIONS, withNodeOptions } from "./node-options";

describe("withNodeOptions", () => {
  it("keeps what is there and leaves the rest of the environment alone", () => {
    expect(withNodeOptions({ PATH: "/bin" }, ["--a=1", "--b"])).toEqual({ PATH: "/bin", NODE_OPTIONS: "--a=1 --b" });
    expect(withNodeOptions({ NODE_OPTIONS: "--c" }, ["--a=1"])).toEqual({ NODE_OPTIONS: "--c --a=1" });
  });

  it("gives options that this Node takes from its environment", () => {
    const env = withNodeOptions({}, CONTROLLER_NODE_OPTIONS);
    const limit = "require('node:v8').getHeapStatistics().heap_size_limit > 0";
    expect(execFileSync(process.execPath, ["-p", limit], { env, encoding: "utf8" })).toBe("true\n");
  });
});
