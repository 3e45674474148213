import { join } from "node:path";
import TestOrder from "../scripts/test-order.cjs";

const ROOT = join(__dirname, "..");
/** Sizes of files, as jest's own order goes by where it has not run them yet. */
const SIZES: Readonly<Record<string, number>> = {
  "agent/agent.test.ts": 9000,
  "sim/suite.test.ts": 100,
  "test/docs.test.ts": 100,
  "test/cluster/small.test.ts": 10,
  "test/cluster/large.test.ts": 20,
  "controller/core/failed.test.ts": 1,
  "test/e2e/up.test.ts": 500,
};

test("files that start real programs come first, and before them what failed last", () => {
  const context = {
    config: { rootDir: ROOT, cache: false },
    hasteFS: { getSize: (path: string) => SIZES[path.slice(ROOT.length + 1)] ?? 0 },
  };
  const hasFailed = ({ path }: { path: string }) => path.includes("failed");
  const order: { sort(tests: never): readonly { path: string }[] } = new TestOrder({} as never);
  Object.assign(order, { hasFailed });
  const tests = Object.keys(SIZES).map((file) => ({ path: join(ROOT, file), context }));
  expect(order.sort(tests as never).map(({ path }) => path.slice(ROOT.length + 1))).toEqual([
    "controller/core/failed.test.ts",
    "test/cluster/large.test.ts",
    "test/cluster/small.test.ts",
    "test/e2e/up.test.ts",
    "test/docs.test.ts",
    "sim/suite.test.ts",
    "agent/agent.test.ts",
  ]);
});
