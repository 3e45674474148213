import { diagnose } from "./diagnosis";

/** As Terraform 1.11 and the providers word them. */
const SAID = {
  wrongToken: {
    summary: "error validating job: Unexpected response code: 403 (ACL token not found)",
    detail: "",
    address: "nomad_job.arena",
  },
  sealed: {
    summary: "Error making API request.",
    detail: "URL: GET https://127.0.0.1:8200/v1/sys/health\nCode: 503. Errors:\n\n* Vault is sealed",
  },
  noLeader: { summary: "error from Nomad: Unexpected response code: 500 (No cluster leader)", detail: "" },
  refused: {
    summary: 'Put "http://127.0.0.1:4646/v1/jobs": dial tcp 127.0.0.1:4646: connect: connection refused',
    detail: "",
  },
  provider: {
    summary: "Failed to query available provider packages",
    detail:
      "Could not retrieve the list of available versions for provider hashicorp/nomad: could not connect to registry.terraform.io",
  },
  full: { summary: "Failed to persist state", detail: "write terraform.tfstate: no space left on device" },
  changed: { summary: "error applying jobspec: job modify index has changed since last refresh", detail: "" },
} as const;

const diagnosed = (said: { readonly summary: string; readonly detail: string; readonly address?: string }) =>
  diagnose("east-jobs", { severity: "error", ...said });

describe("diagnose", () => {
  it.each([
    ["wrongToken", "tokenRefused", "NOMAD_TOKEN"],
    ["sealed", "vaultSealed", "unseal"],
    ["noLeader", "noLeader", "elected"],
    ["refused", "clusterUnreachable", "address"],
    ["provider", "providerMissing", "~/.cache/forge/providers"],
    ["full", "diskFull", "make room"],
    ["changed", "jobChanged", "deploy again"],
  ] as const)("says of %s what it is and what to do", (name, code, fix) => {
    const found = diagnosed(SAID[name]);
    expect(found).toMatchObject({ code, fix: expect.stringContaining(fix) });
    expect(found.detail).toContain("east-jobs");
  });

  it("names the resource", () => {
    expect(diagnosed(SAID.wrongToken).detail).toContain("east-jobs, nomad_job.arena: the token is missing");
  });

  it("says who holds the lock, and since when", () => {
    const detail = `Error message: resource temporarily unavailable
Lock Info:
  ID:        0f1c
  Path:      terraform.tfstate
  Operation: OperationTypeApply
  Who:       ann@desk
  Created:   2026-01-02 03:04:05 UTC`;
    expect(diagnosed({ summary: "Error acquiring the state lock", detail })).toMatchObject({
      code: "locked",
      detail: "east-jobs: ann@desk is at it (apply) since 2026-01-02 03:04:05 UTC",
    });
  });

  it("passes on what a program of ours says, without Terraform's frame", () => {
    const detail = `Error running command 'east': exit status 1. Output: built 9 programs
forge: port 7700 for region east is taken by another program
  fix: stop that program, or choose other ports with FORGE_PORT_OFFSET
`;
    expect(diagnosed({ summary: "local-exec provisioner error", detail })).toEqual({
      code: "portTaken",
      detail: "east-jobs: port 7700 for region east is taken by another program",
      fix: "stop that program, or choose other ports with FORGE_PORT_OFFSET",
    });
  });

  it("finds it on the first line too", () => {
    const detail = "Error running command 'east': exit status 2. Output: infra: Vault is away\n  fix: start it\n";
    expect(diagnosed({ summary: "local-exec provisioner error", detail })).toMatchObject({
      detail: "east-jobs: Vault is away",
      fix: "start it",
    });
  });

  it("leaves what it does not know as it is", () => {
    expect(diagnosed({ summary: "Something new", detail: "happened" })).toMatchObject({
      code: "terraform",
      detail: "east-jobs: Something new: happened",
    });
  });
});
