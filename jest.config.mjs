/** swc strips types and nothing else: `tsc` is a step of its own in `npm run check`. */
const swc = (syntax) => [
  "@swc/jest",
  {
    jsc: { parser: { syntax }, target: "es2023" },
    module: { type: "commonjs" },
    sourceMaps: "inline",
  },
];

/** @type {import("jest").Config} */
const config = {
  testEnvironment: "node",
  testMatch: ["<rootDir>/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/", "/cdktf\\.out/", "/\\.forge/"],
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/sdk/dist/", "<rootDir>/cdktf.out/", "<rootDir>/.forge/"],
  moduleNameMapper: {
    "^fast-check$": "<rootDir>/test/fast-check.cjs",
    "^eustress-forge-sdk$": "<rootDir>/sdk/src/index.ts",
    "^eustress-forge-sdk/(.*)$": "<rootDir>/sdk/src/$1.ts",
  },
  transform: { "\\.ts$": swc("typescript"), "\\.m?js$": swc("ecmascript") },
  // Every package in use has a CommonJS build. One that has none goes in here: "/node_modules/(?!(?:its-name|other)/)".
  transformIgnorePatterns: ["/node_modules/"],
  reporters: ["default", "<rootDir>/scripts/test-summary.cjs"],
  // One test may start real programs on a busy machine; a hang still ends.
  testTimeout: 60_000,
  testSequencer: "<rootDir>/scripts/test-order.cjs",
  // One more than the cores of a small machine: most long files wait for real programs.
  maxWorkers: 3,
  watchman: false,
};

export default config;
