import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endStrays, unmountAll } from "../../infra/local/leftovers";
import { freePorts } from "../../protocol/free-ports";
import { CLIENT_OPTIONS, NomadApi, NomadProcess } from "./nomad-process";

export interface NomadAgentOptions {
  /** Lines for the `client` block. */
  readonly client?: string;
  /** With access control, which this token (a UUID) then has all rights in. */
  readonly managementToken?: string;
}

/** A real Nomad agent in development mode: server and client in one, on free ports of loopback. */
export class NomadAgent extends NomadApi {
  private constructor(
    address: string,
    private readonly process: NomadProcess,
    token: string | undefined,
    /** Its allocations and what it knows of them. */
    private readonly data: string,
  ) {
    super(address, token);
  }

  /** @param more configuration beside the usual */
  static async start(
    nomad: string,
    folder: string,
    more = "",
    { client = "", managementToken }: NomadAgentOptions = {},
  ): Promise<NomadAgent> {
    const [http, rpc, serf] = await freePorts(3);
    const data = mkdtempSync(join(tmpdir(), "forge-nomad-"));
    // Tasks are other users.
    chmodSync(data, 0o711);
    const config = `ports {
  http = ${http}
  rpc  = ${rpc}
  serf = ${serf}
}
disable_update_check = true
client {
  alloc_dir = ${JSON.stringify(join(data, "allocations"))}
  state_dir = ${JSON.stringify(join(data, "state"))}
  ${CLIENT_OPTIONS}
  ${client}
}
${managementToken === undefined ? "" : "acl { enabled = true }"}
${more}`;
    const process = new NomadProcess(nomad, folder, config, ["-dev", "-bind", "127.0.0.1"], data);
    const agent = new NomadAgent(`http://127.0.0.1:${http}`, process, managementToken, data);
    process.start();
    try {
      if (managementToken !== undefined) await agent.bootstrap(managementToken, process);
      await agent.untilNode("ready", process);
    } catch (error) {
      await agent.stop();
      throw new Error(`${(error as Error).message}\n${process.log()}`, { cause: error });
    }
    return agent;
  }

  /** Whatever its tasks did not heed in time goes with it. */
  async stop(): Promise<void> {
    await this.process.stop(5000);
    await endStrays(this.data);
    await unmountAll(this.data);
    rmSync(this.data, { recursive: true, force: true });
  }
}
