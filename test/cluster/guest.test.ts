import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Loose } from "../e2e/loose";
import { buildPocketGame, PocketServer } from "../e2e/pocket";
import { RunFolder, type CommandEnd } from "../e2e/run-folder";
import { recordFigure } from "../records";
import { skipUnless } from "../skips";
import { until } from "../until";
import { OthersCluster, OTHERS_PROGRAMS } from "./others-cluster";
import { PortSlot } from "./port-slot";
import { TERRAFORM } from "./terraform";

skipUnless(
  "a guest on somebody else's cluster",
  OTHERS_PROGRAMS.available ? TERRAFORM.reason : OTHERS_PROGRAMS.reason,
  OTHERS_PROGRAMS.available && TERRAFORM.available,
)('a region with manage = ["jobs"] on somebody else\'s Nomad, Consul and Vault, all with access control', () => {
  jest.setTimeout(300_000);
  const game = buildPocketGame();
  let cluster: OthersCluster;
  let folder: RunFolder;
  let ports: PortSlot;
  let before: Awaited<ReturnType<OthersCluster["contents"]>>;
  let tokens: Readonly<Record<string, string>>;

  const config = (cpu: number): string => `
[artifacts]
url = "${cluster.artifacts}"
[[regions]]
name = "us-east"
engine = "nomad"
hosts = "existing"
controllers = 1
node_folder = "${join(cluster.folder, "on-node")}"
constraints = { "node.class" = "games" }
[regions.nomad]
address = "${cluster.nomad.address}"
namespace = "games"
programs_namespace = "games-system"
[regions.consul]
address = "${cluster.consul.address}"
auth_method = "nomad-workloads"
[regions.vault]
address = "${cluster.vault.address}"
auth_mount = "jwt-nomad"
pki_mount = "pki"
[experiences.pocket]
command = "${process.execPath}"
args = ["${game.file}"]
driver = "exec"
version = "1.0.0"
max_players = 2
cpu = ${cpu}
memory = 96
ports = { game = "http" }
[experiences.pocket.scaling]
min_servers = 1
max_servers = 2
[experiences.survival]
kind = "world"
command = "/bin/sleep"
args = ["3600"]
driver = "exec"
max_players = 4
sdk = "none"
seats = "match"
volumes = { world = "/data" }
cpu = 50
memory = 32
`;

  beforeAll(async () => {
    ports = await PortSlot.take(1);
    cluster = await OthersCluster.start([game.file]);
    folder = new RunFolder(config(100));
    before = await cluster.contents();
  });
  afterAll(async () => {
    await cluster?.stop();
    folder?.remove();
    ports?.giveBack();
    game.remove();
  });

  const forge = (...args: readonly string[]): Promise<CommandEnd> => folder.forge(args, { ...ports.env, ...tokens });

  async function result(...args: readonly string[]): Promise<Loose> {
    const end = await forge("--json", ...args);
    if (end.code !== 0) throw new Error(`forge ${args.join(" ")} ended with ${end.code}: ${end.stderr}`);
    return JSON.parse(end.stdout.trim().split("\n").at(-1) ?? "");
  }

  it("is let in by exactly what `forge plan --policy` prints, which may be applied twice", async () => {
    tokens = {};
    const { stdout } = await forge("plan", "us-east", "--policy");
    await cluster.sh(stdout);
    await cluster.sh(stdout);
    const nomad = await cluster.sh("nomad acl token create -name forge -policy forge-us-east-deploy -json");
    const consul = await cluster.sh("consul acl token create -policy-name forge-us-east-deploy -format json");
    const vault = await cluster.sh("vault token create -policy forge-us-east-deploy -format json");
    tokens = {
      NOMAD_TOKEN: JSON.parse(nomad).SecretID,
      CONSUL_HTTP_TOKEN: JSON.parse(consul).SecretID,
      VAULT_TOKEN: JSON.parse(vault).auth.client_token,
    };
  });

  it("is deployed with tokens of those policies alone, and runs: its servers are ready", async () => {
    const began = performance.now();
    await result("deploy", "us-east", "--yes");
    recordFigure("deployed on a cluster of others", Math.round(performance.now() - began), "ms");
    const ready = await untilReady();
    expect(ready.sort()).toEqual(["pocket", "survival"]);
    recordFigure("then its servers ready", Math.round(performance.now() - began), "ms after the start of the deploy");
  });

  /** `forge ps` finds the controller where Nomad has placed it, and is its operator by the run's key in this folder. */
  function untilReady(): Promise<string[]> {
    return until("two servers are ready", async () => {
      const { items } = await result("ps");
      const ready: Loose[] = items.filter(({ state }: Loose) => state === "ready");
      if (ready.length !== 2) throw new Error(JSON.stringify(items));
      return ready.map(({ experienceId }) => experienceId);
    });
  }

  it("gives a player a seat that the game server takes", async () => {
    const { items } = await result("ps");
    const server = items.find(({ experienceId }: Loose) => experienceId === "pocket");
    const placed = await result("route", server.id, "ann");
    const [{ ticket }] = placed.items ?? placed.sessions ?? placed;
    expect(await PocketServer.at(server).join(ticket)).toMatchObject({ admitted: true, playerId: "ann" });
    const [controller] = await cluster.consul.call<Loose[]>("GET", "/v1/catalog/service/forge-controller-us-east");
    expect(controller.ServiceMeta.url).toMatch(/^https:/);
    // Who does not know the run's authority is not answered, by the API nor by the agents' port.
    await expect(fetch(`${controller.ServiceMeta.url}/health`)).rejects.toThrow();
    expect(Object.keys(await cluster.consul.call<object>("GET", "/v1/catalog/services"))).toEqual(
      expect.arrayContaining(["forge-controller-us-east", `gameserver-${server.id}`]),
    );
  });

  it("has nothing to change when it is planned again, and changes one experience's job", async () => {
    expect(await result("plan", "us-east")).toMatchObject({
      stacks: [{ stack: "us-east-jobs", outcome: "unchanged" }],
    });
    folder.write("forge.toml", config(120));
    await result("deploy", "us-east", "--yes");
    const job = await cluster.nomad.call<Loose>("GET", "/v1/job/us-east.gameserver.pocket?namespace=games");
    expect(job.TaskGroups[0].Tasks[0].Resources.CPU).toBe(120);
  });

  it("has its secrets placed by `infra secrets` with the same token", async () => {
    const program = join(__dirname, "..", "..", "dist", "infra.js");
    const args = ["secrets", "us-east", "--config", folder.config, "--json"];
    const end = await folder.command(process.execPath, [program, ...args], { ...ports.env, ...tokens });
    expect(JSON.parse(end.stdout)).toMatchObject({ place: "vault", written: false });
  });

  it("leaves nothing of its own when destroyed, and everything of theirs", async () => {
    await result("destroy", "us-east", "--yes");
    expect(await cluster.contents()).toEqual(before);
    expect(existsSync(join(cluster.folder, "on-node"))).toBe(false);
  });
});
