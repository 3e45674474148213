import { join } from "node:path";
import { endStrays } from "../../infra/local/leftovers";
import { freePorts } from "../../protocol/free-ports";
import { CLIENT_OPTIONS, NomadApi, NomadProcess } from "./nomad-process";

export interface NomadClusterOptions {
  readonly nomad: string;
  readonly folder: string;
  /** Lines for the `client` block: host volumes, reserved resources, meta. */
  readonly client?: string;
  /** Seconds without a heartbeat after which a node counts as out of reach; Nomad's own is 10 to 20. */
  readonly heartbeatGraceSecs?: number;
}

/**
 * A real Nomad server and a real client, each a process with a data folder: either may be killed and started again, and
 * tasks outlive the client, as on a real node.
 */
export class NomadCluster extends NomadApi {
  private constructor(
    address: string,
    readonly server: NomadProcess,
    readonly client: NomadProcess,
    private readonly folder: string,
  ) {
    super(address);
  }

  static async start(options: NomadClusterOptions): Promise<NomadCluster> {
    const [http = 0, rpc = 0, serf = 0, clientHttp = 0] = await freePorts(4);
    const { nomad, folder } = options;
    const start = (name: string, config: string): NomadProcess => {
      const data = join(folder, name, "data");
      const process = new NomadProcess(nomad, join(folder, name), `data_dir = ${JSON.stringify(data)}\n${config}`);
      process.start();
      return process;
    };
    const server = start("server", serverConfig(options, { http, rpc, serf }));
    const client = start("client", clientConfig(options, { http: clientHttp, rpc }));
    const cluster = new NomadCluster(`http://127.0.0.1:${http}`, server, client, folder);
    try {
      await cluster.untilNode("ready", server);
    } catch (error) {
      await cluster.stop();
      throw new Error(`${(error as Error).message}\n${server.log()}\n${client.log()}`, { cause: error });
    }
    return cluster;
  }

  /** Ends both, and what the client left: tasks that nobody stopped before, and now and then a task's executor. */
  async stop(): Promise<void> {
    await Promise.all([this.client.stop(), this.server.stop()]);
    await endStrays(this.folder);
  }
}

function common(ports: { readonly http: number; readonly rpc: number; readonly serf: number }): string {
  const { http, rpc, serf } = ports;
  return `
bind_addr = "127.0.0.1"
disable_update_check = true
leave_on_interrupt = false
ports {
  http = ${http}
  rpc  = ${rpc}
  serf = ${serf}
}
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
`;
}

function serverConfig(
  { heartbeatGraceSecs = 10 }: NomadClusterOptions,
  ports: { readonly http: number; readonly rpc: number; readonly serf: number },
): string {
  return `${common(ports)}
name = "server"
server {
  enabled          = true
  bootstrap_expect = 1
  heartbeat_grace  = "${heartbeatGraceSecs}s"
  min_heartbeat_ttl = "${Math.min(heartbeatGraceSecs, 10)}s"
}
`;
}

function clientConfig(
  { client = "" }: NomadClusterOptions,
  { http, rpc }: { readonly http: number; readonly rpc: number },
): string {
  return `${common({ http, rpc: 0, serf: 0 }).replaceAll(/.*= 0\n/g, "")}
name = "node"
client {
  enabled           = true
  servers           = ["127.0.0.1:${rpc}"]
  network_interface = "lo"
  preferred_address_family = "ipv4"
  ${CLIENT_OPTIONS}
  ${client}
}
plugin "raw_exec" {
  config { enabled = true }
}
`;
}
