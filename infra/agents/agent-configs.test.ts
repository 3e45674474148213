import { consulClientConfig, consulGossipConfig, consulServerConfig } from "./consul-agent";
import { nomadClientConfig, nomadGossipConfig, nomadServerConfig } from "./nomad-agent";
import { smallChroot } from "./small-chroot";
import { vaultServerConfig } from "./vault-agent";

const tls = { ca: "/t/ca.pem", cert: "/t/cert.pem", key: "/t/key.pem" };
const common = {
  region: "us-east",
  datacenter: "us-east-1",
  name: "n1",
  dataDir: "/d",
  bindAddress: "10.0.0.5",
  tls,
  consulAddress: "http://127.0.0.1:8500",
};
const nomadServer = nomadServerConfig({
  ...common,
  ports: { http: 4646, rpc: 4647, serf: 4648 },
  bootstrapExpect: 3,
  join: ["10.0.0.6:4648"],
});
const nomadClient = nomadClientConfig({
  ...common,
  ports: { http: 4649 },
  servers: ["10.0.0.6:4647"],
  gamePorts: { first: 20000, last: 21999 },
  meta: { public: "203.0.113.7" },
});
const consulProps = {
  datacenter: "us-east",
  name: "n1",
  dataDir: "/d",
  bindAddress: "10.0.0.5",
  ports: { http: 8500, dns: 8600, rpc: 8300, lan: 8301, wan: 8302 },
  tls,
  join: [],
};
const consulServer = consulServerConfig({ ...consulProps, bootstrapExpect: 1 });
const vaultProps = {
  name: "v1",
  dataDir: "/d",
  bindAddress: "10.0.0.5",
  ports: { api: 8200, cluster: 8201 },
  tls,
  join: [],
};

describe.each([
  ["Nomad's server", nomadServer],
  ["Nomad's client", nomadClient],
])("%s", (_name, config) => {
  it("speaks TLS on HTTP and RPC, and knows servers by their name", () => {
    expect(config["tls"]).toMatchObject({
      http: true,
      rpc: true,
      ca_file: tls.ca,
      cert_file: tls.cert,
      key_file: tls.key,
      verify_server_hostname: true,
      // JWKS must be readable for Consul and Vault.
      verify_https_client: false,
    });
  });

  it("lets nobody in without a token", () => {
    expect(config["acl"]).toMatchObject({ enabled: true });
  });

  it("binds one address, reports to nobody outside, tells Prometheus", () => {
    expect(config).toMatchObject({
      bind_addr: "10.0.0.5",
      disable_update_check: true,
      enable_debug: false,
      telemetry: { prometheus_metrics: true },
    });
    expect(JSON.stringify(config)).not.toContain("0.0.0.0");
  });

  it("does not need Consul to start, nor leave when stopped", () => {
    expect(config["consul"]).toMatchObject({ auto_advertise: false, server_auto_join: false, client_auto_join: false });
    expect(config).toMatchObject({ leave_on_interrupt: false, leave_on_terminate: false });
  });
});

describe("Nomad's server", () => {
  it("preempts nothing", () => {
    const { default_scheduler_config: scheduler } = nomadServer["server"] as Record<string, Record<string, unknown>>;
    const preemption = scheduler?.["preemption_config"] as Record<string, unknown>;
    expect(Object.keys(preemption).sort()).toEqual([
      "batch_scheduler_enabled",
      "service_scheduler_enabled",
      "sysbatch_scheduler_enabled",
      "system_scheduler_enabled",
    ]);
    expect(Object.values(preemption)).toEqual([false, false, false, false]);
  });

  it("forgets finished games within hours, and finds the other servers", () => {
    expect(nomadServer["server"]).toMatchObject({
      bootstrap_expect: 3,
      job_gc_threshold: "1h",
      batch_eval_gc_threshold: "1h",
      eval_gc_threshold: "1h",
      server_join: { retry_join: ["10.0.0.6:4648"] },
    });
  });

  it("bounds the life of tokens, and has the gossip key in a file of its own", () => {
    expect(nomadServer["acl"]).toMatchObject({ token_max_expiration_ttl: "24h" });
    expect(JSON.stringify(nomadServer)).not.toContain("encrypt");
    expect(nomadGossipConfig("key")).toEqual({ server: { encrypt: "key" } });
  });
});

describe("Nomad's client", () => {
  const client = nomadClient["client"] as Record<string, unknown>;
  const plugins = Object.assign({}, ...(nomadClient["plugin"] as object[])) as Record<string, [{ config: [object] }]>;

  it("gives games its port range, and gates time to stay with their servers", () => {
    expect(client).toMatchObject({
      min_dynamic_port: 20000,
      max_dynamic_port: 21999,
      max_kill_timeout: "2592000s",
      meta: { public: "203.0.113.7" },
    });
  });

  it("asks no cloud, and copies little for exec", () => {
    expect(client["options"]).toMatchObject({
      "fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean",
    });
    const chroot = client["chroot_env"] as Record<string, string>;
    expect(chroot).toEqual(smallChroot());
    expect(Object.keys(chroot)).not.toEqual(expect.arrayContaining(["/usr"]));
    expect(chroot["/bin/sh"]).toBe("/bin/sh");
  });

  it("has raw_exec for Forge's own programs, and docker without privileges or the node's files", () => {
    expect(plugins["raw_exec"]?.[0].config[0]).toEqual({ enabled: true });
    expect(plugins["docker"]?.[0].config[0]).toMatchObject({
      allow_privileged: false,
      volumes: [{ enabled: false }],
    });
    expect(JSON.stringify(plugins["docker"])).not.toMatch(/net_raw|mknod|sys_admin|"all"/);
  });
});

describe("Consul", () => {
  it.each([
    ["server", consulServer],
    ["client", consulClientConfig(consulProps)],
  ])("as a %s denies by default, keeps its tokens, and its API on loopback", (_role, config) => {
    expect(config).toMatchObject({
      bind_addr: "10.0.0.5",
      client_addr: "127.0.0.1",
      primary_datacenter: "us-east",
      acl: { enabled: true, default_policy: "deny", down_policy: "extend-cache", enable_token_persistence: true },
      verify_incoming_rpc: true,
      verify_outgoing: true,
      verify_server_hostname: true,
      disable_remote_exec: true,
      enable_script_checks: false,
    });
    expect(config["ports"]).toMatchObject({ dns: 8600, grpc: -1, https: -1 });
    expect(config["dns_config"]).toMatchObject({ only_passing: true });
  });

  it("encrypts gossip both ways, with the key in a file of its own", () => {
    expect(consulGossipConfig("key")).toEqual({
      encrypt: "key",
      encrypt_verify_incoming: true,
      encrypt_verify_outgoing: true,
    });
    expect(JSON.stringify(consulServer)).not.toContain('"encrypt"');
  });
});

describe("Vault", () => {
  it.each(["vault", "bao"] as const)("as %s keeps a raft store and speaks TLS only", (kind) => {
    const config = vaultServerConfig({ ...vaultProps, kind });
    expect(config).toMatchObject({
      storage: { raft: { path: "/d", node_id: "v1" } },
      listener: [{ tcp: { address: "10.0.0.5:8200", tls_cert_file: tls.cert, tls_key_file: tls.key } }],
      api_addr: "https://10.0.0.5:8200",
      raw_storage_endpoint: false,
      ui: false,
    });
    expect(JSON.stringify(config)).not.toContain("tls_disable");
  });

  it("is told what only one of the two knows", () => {
    expect(vaultServerConfig({ ...vaultProps, kind: "vault" })["disable_mlock"]).toBe(true);
    expect(vaultServerConfig({ ...vaultProps, kind: "bao" })["disable_mlock"]).toBeUndefined();
  });
});
