import { plannedChanges } from "./plan-words";

const change = (
  type: string,
  name: string,
  actions: readonly string[],
  after: object | null,
  before: object | null = null,
) => ({
  address: `${type}.${name}`,
  type,
  change: { actions, before, after },
});

const words = (...changes: readonly object[]) =>
  plannedChanges({ resource_changes: changes }, "us-east").map((each) => `${each.action}: ${each.words}`);

describe("plannedChanges", () => {
  it("leaves out what stays, and what is only read", () => {
    expect(words(change("nomad_job", "a", ["no-op"], {}), change("nomad_job", "b", ["read"], {}))).toEqual([]);
    expect(plannedChanges({}, "us-east")).toEqual([]);
  });

  it("names things as their systems do", () => {
    expect(
      words(
        change("nomad_job", "arena_AA", ["update"], { jobspec: '{"Job":{"ID":"us-east.gameserver.arena"}}' }),
        change("nomad_namespace", "games", ["create"], { name: "games" }),
        change("vault_mount", "kv", ["delete"], null, { path: "forge-us-east-kv" }),
        change("consul_keys", "kv", ["delete", "create"], {}),
      ),
    ).toEqual([
      "update: change job us-east.gameserver.arena",
      "create: make nomad namespace games",
      "delete: remove vault mount forge-us-east-kv",
      "replace: make anew consul keys kv",
    ]);
  });

  it("says of a region's steps what they do", () => {
    expect(
      words(
        change("terraform_data", "region", ["delete", "create"], {}),
        change("terraform_data", "revision", ["delete", "create"], {}),
      ),
    ).toEqual([
      "replace: start region us-east anew: the one that was deployed is gone",
      "replace: give region us-east the changed forge.toml; no server restarts",
    ]);
  });
});
