import { clientConfig, serverConfig } from "./nomad-config";

const machine = {
  name: "node-1",
  address: "198.18.0.10",
  dataDir: "/disk/nomad",
  consulAddress: "http://198.18.0.6:8500",
};

it("gives a node up before its players look for their seat no longer, and leaves each node something to lose", () => {
  const { server, ...config } = serverConfig(machine);
  expect(server).toMatchObject({
    heartbeat_grace: "5s",
    default_scheduler_config: { scheduler_algorithm: "spread", preemption_config: {} },
  });
  expect(config).not.toHaveProperty("acl");
  expect(config).not.toHaveProperty("tls");
});

it("has clients find their server, and lets no cloud be asked", () => {
  expect(clientConfig(machine, "198.18.0.6", "a-run")).toMatchObject({
    bind_addr: "198.18.0.10",
    client: {
      servers: ["198.18.0.6:4647"],
      network_interface: "eth0",
      cgroup_parent: "a-run",
      options: { "fingerprint.denylist": expect.stringContaining("env_aws") },
    },
  });
});
