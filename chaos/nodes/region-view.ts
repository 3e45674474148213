import type { Follow, Place } from "eustress-forge-sdk/player";
import { ForgeApi } from "../../cli/api";
import { Tokens } from "../../controller/tokens";
import type { Server, Session } from "../../controller/core/resources";
import { systemClock } from "../../protocol/clock";
import { differences, seatsOf } from "../agreement";
import { EXPERIENCE } from "../forge-toml";
import type { JournalWatch } from "../journal-watch";
import { leadsNow } from "../region";
import type { NodeCluster } from "./cluster";
import { REGION, SERVERS } from "./forge-toml";

const TOKEN_SECS = 3600;
const ANSWER_MS = 3_000;
const DISPATCHED = /\/dispatch-(srv-.+)-\d+-[0-9a-f]+$/;

/** The region as its controllers, Nomad and the agents' journals have it. */
export class RegionView {
  constructor(
    private readonly cluster: NodeCluster,
    private readonly watches: ReadonlyMap<string, JournalWatch>,
  ) {}

  token(role: "operator" | "allocator"): string {
    const tokens = new Tokens(this.cluster.secrets.token, systemClock);
    return tokens.mint({ sub: "chaos", role, regions: ["*"], expiresInSecs: TOKEN_SECS }).token;
  }

  /** The node whose controller leads; undefined where none does, or more than one. */
  async leader(): Promise<string | undefined> {
    const { machines, urls } = this.cluster;
    const leads = await Promise.all(urls.map((url) => leadsNow(url)));
    return leads.filter(Boolean).length === 1 ? machines[leads.indexOf(true)]?.name : undefined;
  }

  /** Every controller answers and has heard the agents: whichever dies, another knows what it knew. */
  private async warm(): Promise<boolean> {
    const hears = this.cluster.urls.map(async (url) => {
      const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(ANSWER_MS) });
      const agents = /^forge_agents_connected\{[^}]*\} (\d+)$/m.exec(await answer.text())?.[1];
      return Number(agents) === this.cluster.machines.length;
    });
    return (await Promise.all(hears)).every(Boolean);
  }

  private async terminate(serverId: string): Promise<void> {
    await (await this.api()).json({ method: "DELETE", path: `/v1/servers/${serverId}` });
  }

  /** Sessions with a seat on a node now. */
  async sessionsOn(nodeId: string): Promise<readonly Session[]> {
    const servers = new Set((await this.servers()).filter((server) => server.nodeId === nodeId).map(({ id }) => id));
    return (await this.sessions()).filter(({ serverId }) => serverId !== null && servers.has(serverId));
  }

  /** Seats on a node now, with a ticket for each. */
  async placesOn(nodeId: string): Promise<readonly Place[]> {
    const api = await this.api();
    const follows = await Promise.all(
      (await this.sessionsOn(nodeId)).map(({ id }) =>
        api.json<Follow>({ method: "GET", path: `/v1/sessions/${id}?wait=1` }),
      ),
    );
    return follows.flatMap(({ session, server, ticket }) =>
      server === null || ticket === null ? [] : [{ session, server, ticket }],
    );
  }

  async servers(): Promise<readonly Server[]> {
    return (await (await this.api()).list<Server>("/v1/servers", { region: REGION })).items;
  }

  async sessions(): Promise<readonly Session[]> {
    return (await (await this.api()).list<Session>("/v1/sessions", { experienceId: EXPERIENCE })).items;
  }

  /** @returns what of leader, Nomad and journals does not agree; nothing where all is well */
  async disagreements(): Promise<readonly string[]> {
    try {
      const watches = [...this.watches.values()];
      for (const watch of watches) watch.look(0, false);
      const before = seatsOf(watches);
      const [servers, sessions, real] = [await this.servers(), await this.sessions(), await this.running()];
      for (const watch of watches) watch.look(0, false);
      return differences({ servers, sessions, real, before, after: seatsOf(watches) });
    } catch (error) {
      return [(error as Error).message];
    }
  }

  /** Every node is ready and has its controller, and there are as many game servers as there should be. */
  async whole(): Promise<boolean> {
    const up = (await this.cluster.nodes()).filter(({ Status }) => Status === "ready");
    const live = (await this.servers()).filter(takesPlayers);
    return up.length === this.cluster.machines.length && live.length >= SERVERS && (await this.warm());
  }

  /** Servers of a node that was lost went on elsewhere: some go back, so that each node has what it can lose. */
  async level(): Promise<true | undefined> {
    const live = (await this.servers()).filter(takesPlayers);
    const ids = (await this.cluster.nodes()).map(({ ID }) => ID);
    const [fewest, most] = ids
      .map((id) => live.filter(({ nodeId }) => nodeId === id))
      .sort((a, b) => a.length - b.length);
    if (live.length < SERVERS || fewest === undefined || most === undefined) return undefined;
    if (fewest.length > 0) return true;
    const [first] = most;
    if (first !== undefined) await this.terminate(first.id);
    return undefined;
  }

  /** Servers that Nomad has as running. */
  private async running(): Promise<ReadonlySet<string>> {
    const all = await this.cluster.nomad.json<readonly { readonly JobID: string; readonly ClientStatus: string }[]>(
      "GET",
      "/v1/allocations",
    );
    const running = all.filter(({ ClientStatus }) => ClientStatus === "running");
    return new Set(running.flatMap(({ JobID }) => DISPATCHED.exec(JobID)?.[1] ?? []));
  }

  private async leaderUrl(): Promise<string> {
    const name = await this.leader();
    const at = this.cluster.machines.findIndex((machine) => machine.name === name);
    const url = this.cluster.urls[at];
    if (url === undefined) throw new Error("none of the controllers leads, or more than one does");
    return url;
  }

  private async api(): Promise<ForgeApi> {
    const token = this.token("operator");
    return new ForgeApi({ urls: [await this.leaderUrl()], token: () => token, unreachableFix: () => "" });
  }
}

function takesPlayers({ state }: Server): boolean {
  return state === "ready" || state === "allocated";
}
