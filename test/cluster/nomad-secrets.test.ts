import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSecrets } from "../../clients/run-secrets";
import { identityFile } from "../../clients/workload-identity";
import { PROGRAM_TASK, programJobId } from "../../config/region-names";
import { systemClock } from "../../protocol/clock";
import { skipUnless } from "../skips";
import { until } from "../until";
import { NomadAgent } from "./nomad-agent";
import { findPart } from "./real-parts";

const nomad = findPart("nomad");
const isRoot = process.getuid?.() === 0;
const JOB = programJobId("us-east", "agent");
const identity = { File: true, TTL: 3_600_000_000_000 };

skipUnless(
  "Nomad",
  "nomad is neither on PATH nor in Forge's cache, or this is not root",
  nomad !== undefined && isRoot,
)("the run's secrets in the variables of a program's job on a real Nomad", () => {
  jest.setTimeout(150_000);
  let folder: string;
  let agent: NomadAgent;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-variables-"));
    agent = await NomadAgent.start(nomad ?? "", folder, `data_dir = ${JSON.stringify(join(folder, "data"))}\n`);
  });
  afterAll(async () => {
    await agent?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("are read by its task's own identity, over its own socket", async () => {
    const told = join(folder, "secrets-dir");
    const secrets = { shared: "the shared secret of the run", ticket: "the ticket secret of the run" };
    await agent.call("PUT", `/v1/var/nomad/jobs/${JOB}`, { Items: secrets });
    const task = {
      Name: PROGRAM_TASK,
      Driver: "raw_exec",
      Config: { command: "/bin/sh", args: ["-c", `echo "$NOMAD_SECRETS_DIR" > ${told}; exec sleep 1000`] },
      Identity: { Name: "default", Audience: ["nomadproject.io"], Env: true, File: true },
      Identities: [
        { Name: "consul", Audience: ["consul.io"], ...identity },
        { Name: "vault", Audience: ["vault.io"], ...identity },
      ],
      Resources: { CPU: 20, MemoryMB: 16 },
    };
    const group = { Name: PROGRAM_TASK, Tasks: [task] };
    await agent.call("PUT", "/v1/jobs", {
      Job: { ID: JOB, Type: "service", Datacenters: ["dc1"], TaskGroups: [group] },
    });
    const NOMAD_SECRETS_DIR = await until("its task", async () => {
      const text = existsSync(told) ? readFileSync(told, "utf8").trim() : "";
      return text === "" ? undefined : text;
    });
    const env = { NOMAD_SECRETS_DIR };
    // Where the jobs of Forge's programs expect them.
    const files = [identityFile(env), identityFile(env, "consul"), identityFile(env, "vault")];
    await until("its identities", async () => files.every((file) => existsSync(file)));

    const log = { info: () => undefined, warn: () => undefined };
    const source = { kind: "nomadVariables" as const, namespace: "default", job: JOB };
    const live = await openSecrets(source, ["shared", "ticket"], { clock: systemClock, random: Math.random, env, log });
    expect(live.now).toEqual({ shared: [secrets.shared], ticket: [secrets.ticket] });
    await live.close();
  });
});
