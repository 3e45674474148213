import { consulClientConfig, consulServerConfig } from "./agents/consul-agent";
import { nomadClientConfig, nomadServerConfig } from "./agents/nomad-agent";
import { vaultServerConfig } from "./agents/vault-agent";
import { cloudInit, SECRETS_FOLDER } from "./cloud-init";

const tls = { ca: `${SECRETS_FOLDER}/ca.pem`, cert: `${SECRETS_FOLDER}/cert.pem`, key: `${SECRETS_FOLDER}/key.pem` };
const nomad = {
  region: "us-east",
  datacenter: "us-east-1",
  name: "n1",
  dataDir: "/var/lib/forge/nomad",
  bindAddress: "10.0.0.5",
  tls,
  consulAddress: "http://127.0.0.1:8500",
};
const consul = {
  datacenter: "us-east",
  name: "n1",
  dataDir: "/var/lib/forge/consul",
  bindAddress: "10.0.0.5",
  ports: { http: 8500, dns: 8600, rpc: 8300, lan: 8301, wan: 8302 },
  tls,
  join: ["10.0.0.6"],
};
const host = { hostname: "n1", fetchSecrets: ["/usr/local/bin/fetch", "--from", "store://us-east/n1"] };

interface Document {
  readonly write_files: readonly { readonly path: string; readonly content: string; readonly permissions: string }[];
  readonly runcmd: readonly (readonly string[])[];
  readonly users: readonly unknown[];
}

function read(text: string): Document & { file(path: string): string } {
  const [head, ...rest] = text.split("\n");
  expect(head).toBe("#cloud-config");
  const document = JSON.parse(rest.join("\n")) as Document;
  return { ...document, file: (path) => document.write_files.find((each) => each.path === path)?.content ?? "" };
}

const server = read(
  cloudInit({
    ...host,
    role: "server",
    nomad: nomadServerConfig({ ...nomad, ports: { http: 4646, rpc: 4647, serf: 4648 }, bootstrapExpect: 3, join: [] }),
    consul: consulServerConfig({ ...consul, bootstrapExpect: 3 }),
    vault: vaultServerConfig({
      kind: "bao",
      name: "n1",
      dataDir: "/var/lib/forge/vault",
      bindAddress: "10.0.0.5",
      ports: { api: 8200, cluster: 8201 },
      tls,
      join: [],
    }),
    vaultKind: "bao",
  }),
);
const client = read(
  cloudInit({
    ...host,
    role: "client",
    nomad: nomadClientConfig({
      ...nomad,
      ports: { http: 4646 },
      servers: ["10.0.0.6:4647"],
      gamePorts: { first: 20000, last: 29999 },
    }),
    consul: consulClientConfig(consul),
  }),
);

describe("cloud-init of a server", () => {
  it("runs Consul, Vault and Nomad with the same configurations as a local region", () => {
    expect(JSON.parse(server.file("/etc/forge/nomad/agent.json"))).toMatchObject({ acl: { enabled: true } });
    expect(JSON.parse(server.file("/etc/forge/consul/agent.json"))).toMatchObject({ server: true });
    expect(JSON.parse(server.file("/etc/forge/vault/agent.json"))).toHaveProperty("storage.raft");
    expect(server.file("/etc/systemd/system/forge-vault.service")).toContain("ExecStart=/usr/local/bin/bao server");
  });

  it.each(["consul", "vault", "nomad"])(
    "gives %s an account of its own, no core dumps, and nothing to write but its folder",
    (name) => {
      const unit = server.file(`/etc/systemd/system/forge-${name}.service`);
      for (const line of [
        `User=${name}`,
        "LimitCORE=0",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "Restart=always",
      ]) {
        expect(unit.split("\n")).toContain(line);
      }
      expect(unit).toContain(`ReadWritePaths=/var/lib/forge/${name}`);
    },
  );

  it("fetches secrets before the first agent starts", () => {
    const commands = server.runcmd.map((command) => command.join(" "));
    const at = (text: string): number => commands.findIndex((command) => command.includes(text));
    expect(at("/usr/local/bin/fetch")).toBeGreaterThan(at(`0700 ${SECRETS_FOLDER}`));
    expect(at("enable --now forge-consul")).toBeGreaterThan(at("/usr/local/bin/fetch"));
  });
});

describe("cloud-init of a client", () => {
  it("runs Consul and Nomad only, whose tasks outlive their agent", () => {
    expect(client.write_files.map(({ path }) => path).filter((path) => path.endsWith(".service"))).toEqual([
      "/etc/systemd/system/forge-consul.service",
      "/etc/systemd/system/forge-nomad.service",
    ]);
    const unit = client.file("/etc/systemd/system/forge-nomad.service").split("\n");
    expect(unit).toEqual(expect.arrayContaining(["KillMode=process", "User=root", "LimitCORE=0"]));
  });
});

it.each([
  ["server", server],
  ["client", client],
])("holds no secret of a %s, only where it is", (_role, document) => {
  const text = JSON.stringify(document);
  expect(text).not.toMatch(/PRIVATE KEY|"encrypt"|BEGIN CERTIFICATE/);
  expect(text).toContain(`${SECRETS_FOLDER}/key.pem`);
  expect(text).toContain("store://us-east/n1");
});
