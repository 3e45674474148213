import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { VirtualEngine } from "../bench/virtual-engine";
import { controllerService } from "../config/region-names";
import { readControllerConfig } from "../controller/controller-config";
import { startController, type RunningController } from "../controller/start-controller";
import { systemClock, wallClock } from "../protocol/clock";
import { freePorts } from "../protocol/free-ports";
import { codeBlocks } from "./markdown";
import { findProgram, skipUnless } from "./skips";

const PAGE = readFileSync(join(__dirname, "../docs/metrics.md"), "utf8");
const ALERTS = codeBlocks(PAGE).find(({ mark }) => mark === "rules")?.text ?? "";
const FORGE_TOML = `
[[regions]]
name = "east"
engine = "embedded"
[experiences.arena]
command = "true"
version = "1.0.0"
max_players = 4
ports = { game = "udp" }
[experiences.arena.scaling]
min_servers = 0
max_servers = 2
[[webhooks]]
url = "https://backend.example.com/forge"
events = ["server.*"]
`;

/** A metric's type, and its labels in alphabetical order. */
type Told = ReadonlyMap<string, string>;

/** What the page's tables have. */
function onPage(): Told {
  const rows = PAGE.matchAll(/^\| `(forge_\w+)` \| (\w+) \| ([^|]*) \| /gm);
  return new Map([...rows].map(([, name = "", type = "", labels = ""]) => [name, `${type} ${labels.trim()}`]));
}

/** What a controller told. */
function exposed(text: string): Told {
  const types = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = "", type = ""]) => [name, type]));
  const labels = new Map([...types.keys()].map((name) => [name, new Set<string>()]));
  for (const [, series = "", pairs = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? [^ ]+$/gm)) {
    const name = types.has(series) ? series : series.replace(/_(bucket|sum|count)$/, "");
    for (const [, label = ""] of pairs.matchAll(/(\w+)="/g)) if (label !== "le") labels.get(name)?.add(label);
  }
  const row = (name: string, type: string): string => {
    const quoted = [...(labels.get(name) ?? [])].sort().map((label) => `\`${label}\``);
    return `${type} ${quoted.join(" ")}`;
  };
  return new Map([...types].map(([name, type]) => [name, row(name, type)]));
}

describe("docs/metrics.md", () => {
  let folder: string;
  let running: RunningController;
  let text = "";

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-metrics-"));
    const [api = 0] = await freePorts(1);
    const url = `http://127.0.0.1:${api}`;
    const config = {
      region: "east",
      controllerId: "one",
      config: { kind: "carried", base64: Buffer.from(FORGE_TOML).toString("base64") },
      dataDir: folder,
      api: { host: "127.0.0.1", port: api },
      publicUrl: url,
      regions: [{ name: "east", url }],
      secrets: {
        kind: "inline",
        shared: "shared by the programs of this test",
        ticket: "for the tickets of this test",
        token: "for the tokens of this test, and nothing else",
      },
      // The double takes its place.
      engine: { kind: "nomad", address: "http://127.0.0.1:1" },
    };
    running = await startController(readControllerConfig(JSON.stringify(config), "the test"), {
      clock: systemClock,
      wallClock,
      log: pino({ level: "silent" }),
      env: { FORGE_WEBHOOK_SECRET: "a secret of this test alone" },
      version: "0.0.0",
      connectEngine: () => Promise.resolve(new VirtualEngine(["node-1"])),
    });
    // The first is among the calls that the second tells of.
    await (await fetch(`${url}/metrics`)).text();
    text = await (await fetch(`${url}/metrics`)).text();
  });
  afterAll(async () => {
    await running?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const own = (): string =>
    text
      .split("\n")
      .filter((line) => /^(# \w+ )?forge_/.test(line))
      .join("\n");

  it("has every metric that a controller tells, with its type and labels, and no other", () => {
    const told = exposed(own());
    expect(told.size).toBeGreaterThan(25);
    expect(Object.fromEntries(onPage())).toEqual(Object.fromEntries(told));
  });

  it("names no metric that there is not, in its queries, alerts and text", () => {
    const names = new Set(
      [...text.matchAll(/^# TYPE (\w+) histogram$/gm)].flatMap(([, name = ""]) => [`${name}_bucket`]),
    );
    for (const [, name = ""] of text.matchAll(/^# TYPE (\w+) /gm)) names.add(name);
    const named = [...PAGE.matchAll(/\b(forge|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name);
    expect(named.filter((name) => !names.has(name))).toEqual([]);
    expect(named).toContain("nodejs_eventloop_lag_p99_seconds");
  });

  it("says of each alert what to look at first", () => {
    const alerts = [...ALERTS.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
    const rows = [...PAGE.matchAll(/^\| ((?:`Forge\w+`(?:, )?)+) \| .+ \|$/gm)].flatMap(([, names = ""]) =>
      names.split(", ").map((name) => name.slice(1, -1)),
    );
    expect(alerts.length).toBeGreaterThan(10);
    expect(rows.sort()).toEqual(alerts.sort());
  });

  it("names the controllers' service as Consul has it", () => {
    expect(PAGE).toContain(`\`${controllerService("us-east")}\``);
  });

  skipUnless(
    "Prometheus",
    "promtool is not installed",
    findProgram("promtool") !== undefined,
  )("by promtool", () => {
    const promtool = (args: readonly string[], input = ""): string =>
      execFileSync(findProgram("promtool") ?? "", args, { input, encoding: "utf8", stdio: "pipe" });
    const file = (name: string, content: string): string => {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    };

    it("names and texts of the metrics keep Prometheus' rules", () => {
      expect(promtool(["check", "metrics"], `${own()}\n`)).toBe("");
      expect(() => promtool(["check", "metrics"], "# TYPE forge_bad counter\nforge_bad 1\n")).toThrow(/_total/);
    });

    it("each example is a query", () => {
      const examples = [...PAGE.matchAll(/^\| `forge_.* \| [^|]*?`((?:[^`|]|\\\|)+)`[^|]* \|$/gm)];
      expect(examples).toHaveLength(onPage().size);
      const rules = examples.map(([, expr = ""], n) => ({ record: `example${n}`, expr: expr.replaceAll("\\|", "|") }));
      const path = file("examples.yml", JSON.stringify({ groups: [{ name: "examples", rules }] }));
      expect(promtool(["check", "rules", path])).toContain(`${rules.length} rules found`);
    });

    it("the configuration to scrape with is one", () => {
      const scrape = codeBlocks(PAGE).find(({ mark }) => mark === "scrape")?.text ?? "";
      expect(promtool(["check", "config", file("prometheus.yml", scrape)])).toContain("SUCCESS");
    });

    it("alerts are raised by the leader's numbers and not by a standby's, and stay silent where all is well", () => {
      file("alerts.yml", ALERTS);
      const series = (name: string, labels: string, values: string) => ({
        series: `${name}{region="east",${labels}}`,
        values,
      });
      const leader = 'instance="a:1"';
      const standby = 'instance="b:1"';
      const arena = `${leader},experience="arena"`;
      const raised = (alertname: string, labels: Readonly<Record<string, string>> = {}) => ({
        eval_time: "20m",
        alertname,
        exp_alerts: Object.keys(labels).length === 0 ? [] : [{ exp_labels: { region: "east", ...labels } }],
      });
      const leads = [series("forge_leader", leader, "1+0x30"), series("forge_leader", standby, "0+0x30")];
      const tests = [
        {
          interval: "1m",
          input_series: [
            ...leads,
            series("forge_queue_oldest_wait_seconds", arena, "60+0x30"),
            series("forge_servers", `${arena},state="suspect"`, "2+0x30"),
            series("forge_nodes", `${leader},state="isolated"`, "1+0x30"),
            series("forge_spawns_total", arena, "0+2x30"),
            series("forge_spawns_failed_total", arena, "0+1x30"),
            series("forge_players_lost_total", arena, "0+1x30"),
            series("forge_servers_desired", arena, "4+0x30"),
            series("forge_servers_max", arena, "4+0x30"),
            series("forge_queue_players", arena, "9+0x30"),
          ],
          alert_rule_test: [
            raised("ForgeNoLeader"),
            raised("ForgePlayersWait", { instance: "a:1", experience: "arena" }),
            raised("ForgeServersSuspect", { instance: "a:1", experience: "arena", state: "suspect" }),
            raised("ForgeNodeInTrouble", { instance: "a:1", state: "isolated" }),
            raised("ForgeSpawnsFail", { experience: "arena" }),
            raised("ForgePlayersLost", { experience: "arena" }),
            raised("ForgeFleetAtItsMaximum", { instance: "a:1", experience: "arena" }),
          ],
        },
        {
          interval: "1m",
          input_series: [
            ...leads,
            series("forge_servers", `${standby},experience="arena",state="suspect"`, "2+0x30"),
            series("forge_nodes", `${standby},state="suspect"`, "1+0x30"),
            series("forge_spawns_total", arena, "0+2x30"),
            series("forge_spawns_failed_total", arena, "0+0x30"),
            series("forge_players_lost_total", arena, "7+0x30"),
          ],
          alert_rule_test: ["ServersSuspect", "NodeInTrouble", "SpawnsFail", "PlayersLost"].map((name) =>
            raised(`Forge${name}`),
          ),
        },
        {
          interval: "1m",
          input_series: [series("forge_leader", leader, "0+0x30"), series("forge_leader", standby, "0+0x30")],
          alert_rule_test: [{ ...raised("ForgeNoLeader"), exp_alerts: [{ exp_labels: { region: "east" } }] }],
        },
        {
          // Its only controller is away: of the region nothing is told any more.
          interval: "1m",
          input_series: [
            series("forge_leader", leader, "1+0x10 stale"),
            { series: `up{job="forge",${leader}}`, values: "1+0x10 0+0x20" },
          ],
          alert_rule_test: [
            { ...raised("ForgeNoLeader"), exp_alerts: [{ exp_labels: { region: "east" } }] },
            { ...raised("ForgeControllerAway"), exp_alerts: [{ exp_labels: { job: "forge", instance: "a:1" } }] },
          ],
        },
        {
          interval: "1m",
          input_series: [
            ...leads,
            { series: `up{job="forge",${leader}}`, values: "1+0x30" },
            series("forge_agents_connected", leader, "2+0x12 0+0x20"),
            series("forge_agents_connected", standby, "0+0x30"),
            series("forge_nodes", `${leader},state="down"`, "1+0x12 2+0x20"),
          ],
          alert_rule_test: [
            raised("ForgeNoLeader"),
            raised("ForgeControllerAway"),
            raised("ForgeNoAgent", { instance: "a:1" }),
            raised("ForgeNodeLost", { instance: "a:1", state: "down" }),
            // A quarter of an hour later it is no news.
            { ...raised("ForgeNodeLost"), eval_time: "29m" },
          ],
        },
      ];
      const path = file("tests.yml", JSON.stringify({ rule_files: ["alerts.yml"], evaluation_interval: "1m", tests }));
      expect(promtool(["test", "rules", path])).toContain("SUCCESS");
    });
  });
});
