import { readFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../package.json";
import { ACCESS } from "./access";
import { apiUnderTest } from "./api-under-test";
import { openApiOf } from "./openapi";
import { ROUTES } from "./routes";

type Json = Record<string, unknown>;
const contract = openApiOf(ROUTES, version);

function* refsIn(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "$ref" && typeof inner === "string") yield inner;
    yield* refsIn(inner);
  }
}

describe("the contract", () => {
  it("is what docs/openapi.json says : if this fails, run `npx tsx scripts/write-api-docs.ts`", () => {
    expect(JSON.parse(readFileSync(join(__dirname, "../../docs/openapi.json"), "utf8"))).toEqual(contract);
  });

  it("is served as it is", async () => {
    const { app, call } = apiUnderTest();
    const served = (await call("GET", "/openapi.json", { headers: { authorization: undefined } })).json<Json>();
    expect(served).toEqual({ ...contract, info: { ...(contract["info"] as Json), version: "0.0.0-test" } });
    await app.close();
  });

  it("has every call there is, each under a name of its own", () => {
    const calls = Object.entries(contract["paths"] as Record<string, Record<string, { operationId: string }>>).flatMap(
      ([path, methods]) =>
        Object.entries(methods).map(([method, { operationId }]) => ({
          key: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`,
          operationId,
        })),
    );
    expect(calls.map(({ key }) => key).sort()).toEqual(Object.keys(ACCESS).sort());
    expect(new Set(calls.map(({ operationId }) => operationId)).size).toBe(calls.length);
  });

  it("refers only to what it holds", () => {
    const { schemas } = contract["components"] as { schemas: Json };
    const refs = [...refsIn(contract)];
    expect(refs.length).toBeGreaterThan(50);
    for (const ref of refs) expect(Object.keys(schemas)).toContain(ref.replace("#/components/schemas/", ""));
  });

  it("says what bodies hold, to the last bound", () => {
    const { schemas } = contract["components"] as { schemas: Record<string, Json> };
    expect(schemas["CreateSession"]).toMatchObject({
      type: "object",
      required: ["playerId", "experienceId"],
      additionalProperties: false,
      properties: {
        playerId: { type: "string", minLength: 1, maxLength: 128 },
        party: { type: "array", maxItems: 64 },
      },
    });
  });
});
