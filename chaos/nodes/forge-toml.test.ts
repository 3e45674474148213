import { loadConfig } from "../../config/load";
import { nodesToml, SERVERS } from "./forge-toml";

it("is a region on two nodes of somebody's Nomad, with a controller and servers for each", () => {
  const props = {
    nomadAddress: "http://198.18.0.6:4646",
    consulAddress: "http://198.18.0.6:8500",
    nodeFolder: "/on-node",
  };
  const text = nodesToml({ ...props, controllers: 2 });
  const { config } = loadConfig({ file: "forge.toml", readFile: () => text });
  expect(config.regions).toMatchObject([
    { name: "east", engine: "nomad", hosts: "existing", manage: ["jobs"], controllers: 2, nodeFolder: "/on-node" },
  ]);
  expect(config.experiences["arena"]).toMatchObject({
    routing: { strategy: "spread" },
    scaling: { minServers: SERVERS },
    roles: [{ name: "physics", per: "server" }],
  });
});
