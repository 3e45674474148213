import js from "@eslint/js";
import importX from "eslint-plugin-import-x";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import globals from "globals";
import tseslint from "typescript-eslint";

/**
 * Which folders a folder may import from, beside itself. The first entry that a file lies in decides. Imports go one
 * way; what is not listed here (test, bench, scripts, main.ts) is at the top and may import anything.
 */
const MAY_IMPORT = {
  config: [],
  protocol: [],
  clients: ["protocol"],
  sdk: [],
  dashboard: [],
  jobs: ["config"],
  infra: ["config", "clients"],
  stacks: ["config", "jobs", "infra"],
  // Types only, see below: what the engine port and a policy look like.
  "controller/core": ["protocol", "config", "controller/engine.ts"],
  controller: ["config", "protocol", "clients"],
  agent: ["config", "protocol", "clients"],
  games: ["sdk"],
  migrate: ["config", "jobs", "stacks"],
  sim: ["config", "protocol", "controller", "agent"],
};

const TESTS = ["**/*.test.ts", "test/**", "bench/**"];

const zones = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  target: `./${folder}`,
  from: ".",
  except: [folder, ...allowed, "node_modules", "package.json"].map((path) => `./${path}`),
  message: `${folder}/ may import ${["itself", ...allowed].join(", ")}, nothing else of ours (see MAY_IMPORT in eslint.config.mjs).`,
}));
// Everything that the list above does not mention still must not import the command line.
const noCli = ["bench", "main.ts", "migrate", "sim"].map((target) => ({ target: `./${target}`, from: "./cli" }));

/** An import that is not `import type`, of paths that match. */
const valueImport = (pattern) => `ImportDeclaration[importKind!='type'][source.value=/${pattern}/]`;

/** Rules of `no-restricted-syntax` in all TypeScript; a later block repeats them, because the last one wins. */
const SYNTAX = [
  {
    selector:
      "CallExpression > MemberExpression[object.name=/^(it|test|describe)$/][property.name=/^(only|skip|todo)$/]",
    message: "Nothing is left out silently: use skipUnless() of test/skips.ts for what this machine cannot run.",
  },
  {
    selector: "ImportDeclaration[source.value=/^@cdktf\\u002Fprovider-[^\\u002F]+$/]",
    message: "Import @cdktf/provider-NAME/lib/RESOURCE: the whole package takes seconds to load.",
  },
];

/** Of what every node of a region runs a copy of: what is loaded for nothing is paid for on each. */
const LEAN_SYNTAX = {
  selector: "ImportDeclaration[importKind!='type'][source.value='zod'] > ImportSpecifier",
  message: 'import * as z from "zod": a bundle then leaves out what is not used of it, which is most.',
};

const PURE = "controller/core is pure: clock, random and I/O come in as arguments.";

export default tseslint.config(
  { ignores: ["**/node_modules/", "**/dist/", "cdktf.out/", ".gen/", ".forge/", "coverage/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "max-lines": ["error", 400],
      "no-warning-comments": ["error", { terms: ["todo", "fixme", "xxx", "hack"] }],
    },
  },

  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { "import-x": importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      "import-x/extensions": [".ts"],
      "import-x/parsers": { "@typescript-eslint/parser": [".ts"] },
      "import-x/resolver-next": [createTypeScriptImportResolver({ project: "tsconfig.json" })],
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // An interface may promise a promise where one implementation has nothing to wait for.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "import-x/no-default-export": "error",
      // Types may name each other; what is run may not be needed before it is there.
      "import-x/no-cycle": ["error", { ignoreExternal: true }],
      "no-restricted-syntax": ["error", ...SYNTAX],
    },
  },
  {
    files: ["**/*.ts"],
    ignores: TESTS,
    rules: {
      "import-x/no-restricted-paths": ["error", { basePath: import.meta.dirname, zones: [...zones, ...noCli] }],
    },
  },
  {
    files: TESTS,
    rules: {
      // Answers of servers under test are looked into, not trusted.
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/unbound-method": "off",
    },
  },
  {
    files: ["agent/**/*.ts"],
    ignores: TESTS,
    rules: {
      "no-restricted-syntax": [
        "error",
        ...SYNTAX,
        LEAN_SYNTAX,
        {
          selector: valueImport("^\\.+.*\\u002Fconfig\\u002F(?!(?:region-names|count-limits)$)"),
          message: "The agent uses types, names and limits of config/ only.",
        },
      ],
    },
  },
  {
    files: ["clients/**/*.ts", "protocol/**/*.ts"],
    ignores: TESTS,
    rules: { "no-restricted-syntax": ["error", ...SYNTAX, LEAN_SYNTAX] },
  },
  {
    files: ["agent/**/*.ts", "clients/**/*.ts", "controller/**/*.ts"],
    ignores: [...TESTS, "controller/core/**"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        { paths: [{ name: "undici", message: "Import clients/undici.cjs, which says why." }] },
      ],
    },
  },
  {
    files: ["cli/**/*.ts"],
    ignores: TESTS,
    rules: {
      "no-restricted-syntax": [
        "error",
        ...SYNTAX,
        {
          selector: valueImport("^\\.+.*\\u002Fstacks(\\u002F|$)"),
          message: "Load stacks with `await import(…)` where they are needed: they bring cdktf with them.",
        },
      ],
    },
  },
  {
    files: ["controller/core/**/*.ts"],
    ignores: TESTS,
    rules: {
      "no-restricted-imports": ["error", { patterns: [{ regex: "^[^.]", message: PURE }] }],
      "no-restricted-globals": [
        "error",
        ...[
          "setTimeout",
          "setInterval",
          "setImmediate",
          "queueMicrotask",
          "performance",
          "process",
          "crypto",
          "fetch",
        ].map((name) => ({ name, message: PURE })),
      ],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: PURE },
        { object: "Math", property: "random", message: PURE },
      ],
      "no-restricted-syntax": [
        "error",
        ...SYNTAX,
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: PURE },
        { selector: "CallExpression[callee.name='Date']", message: PURE },
        { selector: "ImportExpression", message: PURE },
        {
          // What an allocation's counters and lists come to, and what a version knows, has to be the same here and at the agent;
          // what a range of versions takes, when a schedule's times are, and whose servers may be emptied, where forge.toml is read.
          selector: valueImport(
            "\\u002F((protocol|config)\\u002F(?!(?:count-rules|cron-times|defragment-rule|versions|version-range)$)|engine$)",
          ),
          message: "controller/core uses types of protocol/, config/ and the engine port only: `import type`.",
        },
      ],
    },
  },

  { files: ["**/*.mjs"], languageOptions: { globals: globals.node } },
  { files: ["**/*.cjs"], languageOptions: { globals: globals.node, sourceType: "commonjs" } },
  { files: ["dashboard/**/*.js"], languageOptions: { globals: globals.browser } },
);
