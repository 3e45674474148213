import type { HttpCall, HttpMethod } from "../../clients/http-json";
import { endServers } from "./end-servers";

/** A Nomad whose dispatched jobs take some looks to end, and which forgets at once what is purged. */
class NomadDouble {
  readonly stopped: string[] = [];
  readonly deleted: string[] = [];
  looks = 0;

  constructor(
    private jobs: { ID: string; ParentID?: string }[],
    private readonly endsAfterLooks: number,
  ) {}

  json<T>(method: HttpMethod, path: string, call?: HttpCall): Promise<T> {
    if (method === "DELETE") {
      const id = decodeURIComponent(path.slice("/v1/job/".length));
      const purge = call?.query?.["purge"] === true;
      (purge ? this.deleted : this.stopped).push(id);
      if (purge) this.jobs = this.jobs.filter(({ ID }) => ID !== id);
      return Promise.resolve({} as T);
    }
    if (path === "/v1/jobs") return Promise.resolve(this.jobs as T);
    this.looks += 1;
    const ClientStatus = this.looks > this.endsAfterLooks ? "complete" : "running";
    return Promise.resolve([
      ...this.stopped.filter((id) => !this.deleted.includes(id)).map((JobID) => ({ JobID, ClientStatus })),
      { JobID: "us-east.gameserver.arena-2/dispatch-1-b", ClientStatus: "complete" },
      { JobID: "someone/dispatch-1-c", ClientStatus: "running" },
    ] as T);
  }
}

const ARENA = "us-east.gameserver.arena";
const OF = { namespace: "games", jobPrefix: "us-east.gameserver." };

describe("ending a region's game servers", () => {
  test("ends what was dispatched, keeps the jobs it was dispatched from, and waits until nothing runs", async () => {
    const nomad = new NomadDouble([{ ID: ARENA }, { ID: `${ARENA}/dispatch-1-a`, ParentID: ARENA }], 3);
    let nowMs = 0;
    const ended = await endServers(OF, { nomad, now: () => nowMs, pause: async (ms) => (nowMs += ms) });
    expect(ended).toBe(1);
    expect([nomad.stopped, nomad.deleted]).toEqual([[`${ARENA}/dispatch-1-a`], [`${ARENA}/dispatch-1-a`]]);
    expect(nomad.looks).toBe(4);
  });

  test("says what still runs when it has waited long enough", async () => {
    const nomad = new NomadDouble([{ ID: `${ARENA}/dispatch-1-a`, ParentID: ARENA }], Infinity);
    let nowMs = 0;
    const ending = endServers(OF, { nomad, now: () => nowMs, pause: async (ms) => (nowMs += ms) });
    await expect(ending).rejects.toThrow(/1 game servers in namespace games still run.*arena\/dispatch-1-a/);
  });
});
