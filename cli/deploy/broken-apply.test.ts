import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApplyMark, findOrphans, mayCollide, removeOrphan } from "./broken-apply";

const ANSWERS: Readonly<Record<string, unknown>> = {
  "/v1/acl/policies": [
    { ID: "p-1", Name: "global-management" },
    { ID: "p-2", Name: "forge-us-east-agent" },
  ],
  "/v1/acl/auth-methods": [{ Name: "forge-us-east", Type: "jwt" }],
  "/v1/acl/binding-rules": [{ ID: "b-1", Description: "Forge's agent of us-east", AuthMethod: "forge-us-east" }],
  "/v1/sys/mounts": { data: { "forge-us-east-kv/": {}, "sys/": {} } },
};
const json = async <T>(_method: string, path: string): Promise<T> => {
  if (!(path in ANSWERS)) throw new Error(`nobody should ask for ${path}`);
  return ANSWERS[path] as T;
};
const systems = { consul: { json }, vault: { json } };
const stack = {
  resource: {
    consul_acl_policy: { agent: { name: "forge-us-east-agent" }, controller: { name: "forge-us-east-controller" } },
    consul_acl_auth_method: { login: { name: "forge-us-east" } },
    consul_acl_binding_rule: { agent: { description: "Forge's agent of us-east" } },
    vault_mount: { kv: { path: "forge-us-east-kv" }, pki: { path: "forge-us-east-pki" } },
    vault_policy: { own: { name: "x" } },
  },
};

test("what a killed apply was to make, is there, and is in no state, is found by what its provider calls it", async () => {
  const left = [
    "consul_acl_policy.agent",
    "consul_acl_policy.controller",
    "consul_acl_auth_method.login",
    "consul_acl_binding_rule.agent",
    "vault_mount.kv",
    "vault_mount.pki",
    "vault_policy.own",
    "vault_mount.of-another-version",
  ];
  expect(await findOrphans(left, ["consul_acl_auth_method.login"], stack, systems)).toEqual([
    { address: "consul_acl_policy.agent", id: "p-2" },
    { address: "consul_acl_binding_rule.agent", id: "b-1" },
    { address: "vault_mount.kv", id: "forge-us-east-kv" },
  ]);
  expect([mayCollide(left), mayCollide(["terraform_data.hosts", "nomad_job.agent"])]).toEqual([true, false]);
  const removed: string[] = [];
  const consul = { json: async <T>(method: string, path: string) => removed.push(`${method} ${path}`) as T };
  expect(
    await removeOrphan({ address: "consul_acl_auth_method.login", id: "forge-us-east" }, { ...systems, consul }),
  ).toBe(true);
  expect(await removeOrphan({ address: "vault_mount.kv", id: "forge-us-east-kv" }, { ...systems, consul })).toBe(false);
  expect(removed).toEqual(["DELETE /v1/acl/auth-method/forge-us-east"]);
  // What nobody was about to make is somebody else's.
  expect(await findOrphans([], [], stack, systems)).toEqual([]);
});

test("a mark is there until its apply ends", () => {
  const folder = mkdtempSync(join(tmpdir(), "forge-mark-"));
  const mark = new ApplyMark(join(folder, "work"));
  expect(mark.left()).toEqual([]);
  mark.begin(["a.b"]);
  expect(new ApplyMark(join(folder, "work")).left()).toEqual(["a.b"]);
  mark.end();
  expect(mark.left()).toEqual([]);
  rmSync(folder, { recursive: true });
});
