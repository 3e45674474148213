import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { Placement, Queued, Server } from "../../controller/core/resources";
import { Tokens } from "../../controller/tokens";
import { sealTicket } from "../../protocol/ticket";
import type { CallOptions } from "./forge-run";
import { ForgeRun } from "./forge-run";
import type { LooseRecord } from "./loose";
import { buildPocketGame, pocketExperience, PocketServer, type PocketState } from "./pocket";

jest.setTimeout(120_000);

/** What one asks for that cannot be had, at a run where somebody plays all the while. */
const config = (file: string): string => `
[scaling]
min_servers_per_region = 0

[[regions]]
name = "here"
[[regions]]
name = "there"
${pocketExperience(file)}
mods = ["winter"]
regions = ["here"]
[experiences.pocket.scaling]
min_servers = 1
max_servers = 2
scale_down_cooldown_secs = 3600

[experiences.booth] # one seat in all
command = "${file}"
max_players = 1
cpu = 100
memory = 96
ports = { game = "http" }
regions = ["here"]
scaling = { min_servers = 1, max_servers = 1 }

[experiences.missing]
command = "no-such-program"
max_players = 2

[experiences.silent]
command = "node"
args = ["-e", "setInterval(() => {}, 1000)"]
max_players = 2
ready_timeout_secs = 1

[experiences.brief]
command = "node"
args = ["-e", "console.error('the map is missing'); process.exit(3)"]
max_players = 2
`;

describe("what cannot be had is refused with a reason, and nothing is lost", () => {
  const game = buildPocketGame();
  let run: ForgeRun;
  let ann: Placement;
  let pocket: PocketServer;

  beforeAll(async () => {
    run = await ForgeRun.start({ config: config(game.file), args: ["--no-demo"] });
    await run.server("booth");
    ann = await run.place({ playerId: "ann", experienceId: "pocket" });
    pocket = PocketServer.at(ann.server);
    await pocket.join(ann.ticket);
    await run.next({ type: "session.joined", playerId: "ann" });
  });
  afterAll(async () => {
    await run.dispose();
    game.remove();
  });

  // Whatever was refused: who played plays on, in the same place.
  afterEach(async () => {
    const { id, generation } = ann.session;
    const session = { id, generation, state: "active", serverId: ann.server.id };
    expect(await run.ask("GET", `/v1/sessions/${id}`)).toMatchObject(session);
    expect((await pocket.state()).players).toHaveProperty("ann");
    expect(run.tap.all({ type: "session.lost" })).toEqual([]);
  });

  /** The call is answered with this problem; `detail` holds each of the words, which name the place and what to do. */
  async function refused(
    [method, path, body, options]: readonly [string, string, unknown?, CallOptions?],
    [status, code]: readonly [number, string],
    ...words: readonly string[]
  ): Promise<LooseRecord> {
    const answer = await run.call<LooseRecord>(method, path, body, options);
    expect([answer.status, answer.body["code"], answer.body["detail"]]).toEqual([status, code, expect.any(String)]);
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    for (const word of words) expect(answer.body["detail"]).toContain(word);
    return answer.body;
  }

  describe("servers that do not come up", () => {
    const spawn = (experienceId: string) =>
      ["POST", "/v1/servers?wait=ready", { experienceId, region: "here" }] as const;

    test.each([
      ["a program that there is not", "missing", ["no-such-program", "/usr/bin", "install it"]],
      ["one that is never ready", "silent", ["not ready after 1 s"]],
      ["one that exits at once", "brief", ["ended before it was ready", "3"]],
    ])("%s", async (_what, experienceId, words) => {
      const from = run.mark;
      const { info } = await refused(spawn(experienceId), [502, "startFailed"], ...words);
      const { serverId } = info as { serverId: string };
      const ended = await run.next({ type: "server.terminated", serverId }, from);
      for (const word of words) expect(ended.reason).toContain(word);
      expect(await run.ask("GET", `/v1/servers/${serverId}`)).toMatchObject({ state: "terminated" });
    });

    test("what such a server said is there to be read", async () => {
      const { items } = await run.ask<{ items: Server[] }>("GET", "/v1/servers?experienceId=brief&state=terminated");
      expect(await run.ask("GET", `/v1/servers/${items[0]?.id}/logs`)).toContain("the map is missing");
    });

    test("a player who waits for one is told why at the deadline", async () => {
      const body = { playerId: "bo", experienceId: "silent", deadlineMs: 1500 };
      const queued = await run.ask<Queued>("POST", "/v1/sessions", body);
      const wait = ["GET", `/v1/queue/${queued.queueTicket}?wait=30`] as const;
      await refused(wait, [504, "deadlineExceeded"], "no place within ");
      const { reason } = await run.next({ type: "session.ended", playerId: "bo" });
      expect(reason).toContain("deadlineExceeded");
    });
  });

  test("names that there are not: each says which there are", async () => {
    const spawn = { experienceId: "pocket", region: "here" };
    const place = { playerId: "bo", experienceId: "pocket" };
    await refused(["POST", "/v1/servers", { ...spawn, region: "mars" }], [404, "unknownRegion"], "mars", "here, there");
    await refused(["POST", "/v1/sessions", { ...place, region: "mars" }], [404, "unknownRegion"], "mars");
    await refused(["GET", "/v1/servers?region=mars"], [404, "unknownRegion"], "mars");
    for (const [path, body] of [
      ["/v1/servers", { ...spawn, experienceId: "chess" }],
      ["/v1/servers", { ...spawn, region: "there" }],
      ["/v1/sessions", { ...place, experienceId: "chess" }],
      ["/v1/allocations", { experienceId: "chess", matchId: "m", players: [{ playerId: "zoe" }] }],
    ] as const)
      await refused(["POST", path, body], [404, "unknownExperience"], "silent");
    await refused(["POST", "/v1/servers", { ...spawn, version: "9" }], [404, "unknownVersion"], '"9"', "1.0.0");
    await refused(["POST", "/v1/sessions", { ...place, version: "9" }], [404, "unknownVersion"], '"9"', "1.0.0");
    await refused(["POST", "/v1/sessions", { ...place, mods: ["summer"] }], [404, "unknownMod"], "summer", "winter");
    for (const [kind, code] of [
      ["servers/srv", "unknownServer"],
      ["sessions/ses", "unknownSession"],
      ["queue/que", "unknownQueueTicket"],
      ["decisions/dec", "unknownDecision"],
    ] as const)
      await refused(["GET", `/v1/${kind}-here-0`], [404, code], `${kind.split("/")[1]}-here-0`);
  });

  test("a player who has a place already gets the same again, and no second one", async () => {
    const again = await run.ask<Placement>("POST", "/v1/sessions", { playerId: "ann", experienceId: "pocket" });
    expect(again).toMatchObject({ existing: true, session: { id: ann.session.id }, server: { id: ann.server.id } });
    const other = await run.ask<Server>("POST", "/v1/servers?wait=ready", { experienceId: "pocket", region: "here" });
    const path = `/v1/servers/${other.id}/sessions`;
    await refused(["POST", path, { players: ["cy", "ann"] }], [409, "playerElsewhere"], "ann", ann.server.id);
    // All or none: nobody of those who were asked for with her has a seat.
    expect(await run.ask("GET", "/v1/sessions?playerId=cy")).toMatchObject({ items: [] });
    const party = { playerId: "cy", party: ["ann"], experienceId: "pocket" };
    await refused(["POST", "/v1/sessions", party], [409, "playerElsewhere"], "ann", ann.session.id);
  });

  test("a fleet that is full and may not grow: now, and after the deadline", async () => {
    const place = (playerId: string, deadlineMs?: number) =>
      [
        "POST",
        "/v1/sessions",
        { playerId, experienceId: "booth", ...(deadlineMs !== undefined && { deadlineMs }) },
      ] as const;
    const { session } = await run.ask<Placement>(...place("first"));
    await refused(place("second", 0), [503, "noCapacity"], "booth");
    const { queueTicket } = await run.ask<Queued>(...place("third", 300));
    await refused(
      ["GET", `/v1/queue/${queueTicket}?wait=30`],
      [504, "deadlineExceeded"],
      "no place within ",
      "no server has room",
    );
    await refused(
      ["POST", "/v1/servers", { experienceId: "booth", region: "here" }],
      [503, "noCapacity"],
      "1 servers of at most 1",
    );
    const party = { ...place("fourth")[2], party: ["fifth"] };
    await refused(["POST", "/v1/sessions", party], [422, "partyTooLarge"], "a party of 2", "(1 seats)");
    await run.ask("DELETE", `/v1/sessions/${session.id}`);
  });

  test("a server that is terminated twice", async () => {
    await run.ask("PUT", "/v1/fleets/pocket?region=here", { policy: { maxServers: 4 } });
    const body = { experienceId: "pocket", region: "here" };
    const { id } = await run.ask<Server>("POST", "/v1/servers?wait=ready", body);
    await run.ask("DELETE", `/v1/servers/${id}?drain=0`);
    await refused(["DELETE", `/v1/servers/${id}`], [409, "alreadyTerminated"], id);
    await run.next({ type: "server.terminated", serverId: id });
    await refused(["DELETE", `/v1/servers/${id}`], [409, "alreadyTerminated"], id, "terminated");
    await refused(["POST", `/v1/servers/${id}/sessions`, { players: ["dee"] }], [409, "serverClosed"], id);
  });

  test("bodies and paths that are wrong", async () => {
    const post = (body: string, headers = {}) => ["POST", "/v1/sessions", body, { headers }] as const;
    await refused(post('{"playerId": "bo"'), [400, "malformedJson"], "at position 17");
    await refused(post(JSON.stringify({ playerId: "x".repeat(2 ** 20) })), [413, "bodyTooLarge"]);
    await refused(post("playerId=bo", { "content-type": "text/plain" }), [415, "mediaTypeUnsupported"], "text/plain");
    const { errors } = await refused(
      post(JSON.stringify({ playerId: 7, experienceId: "", mods: "winter", party: ["a", "\n"], colour: "red" })),
      [422, "invalid"],
    );
    const pointers = new Set((errors as { pointer: string }[]).map(({ pointer }) => pointer));
    expect([...pointers].sort()).toEqual(
      ["/body/colour", "/body/experienceId", "/body/mods", "/body/party/1", "/body/playerId"].sort(),
    );
    await refused(["GET", "/v1/servers?limit=many"], [422, "invalid"], "limit");
    await refused(["GET", "/v1/castles"], [404, "routeUnknown"], "/v1/castles");
    const wrong = await run.call("PUT", "/v1/sessions", {});
    expect([wrong.status, wrong.body.code, wrong.headers.get("allow")]).toEqual([
      405,
      "methodNotAllowed",
      expect.stringContaining("POST"),
    ]);
  });

  test("a site that is not this one", async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = { host: "evil.example", authorization: `Bearer ${run.token}` };
      request(`${run.url}/v1/servers`, { headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(421);
    const headers = { origin: "http://evil.example" };
    await refused(["POST", "/v1/tokens", { sub: "x", role: "viewer" }, { headers }], [403, "originNotAllowed"], "evil");
  });

  describe("tickets, at the game server's own SDK", () => {
    let state: PocketState;
    const join = async (ticket: string): Promise<readonly [number, string]> => {
      const { sdk } = state;
      const headers = { authorization: `Bearer ${sdk.token}`, "content-type": "application/json" };
      const answer = await fetch(`${sdk.url}/v1/players/join`, {
        method: "POST",
        headers,
        body: JSON.stringify({ ticket }),
      });
      return [answer.status, ((await answer.json()) as LooseRecord)["code"]];
    };
    beforeAll(async () => {
      state = await pocket.state();
    });

    test("replayed: the player is in", async () => {
      expect(await join(ann.ticket)).toEqual([403, "ticketReplayed"]);
    });

    test("foreign: of another server", async () => {
      const other = await run.place({ playerId: "eve", experienceId: "booth" });
      expect(await join(other.ticket)).toEqual([403, "ticketForeign"]);
      await run.ask("DELETE", `/v1/sessions/${other.session.id}`);
    });

    test("expired, forged, cut, and of a session that has ended", async () => {
      const [placement] = (
        await run.ask<{ items: Placement[] }>("POST", `/v1/servers/${ann.server.id}/sessions`, { players: ["gil"] })
      ).items;
      const { session, ticket } = placement as Placement;
      const { serverId, allocationId, ticketKey } = state.info as Record<string, string>;
      const claims = {
        sessionId: session.id,
        playerId: "gil",
        serverId: serverId ?? "",
        allocationId: allocationId ?? "",
        generation: session.generation,
        expiresAtMs: Date.now() - 1,
      };
      expect(await join(sealTicket(ticketKey ?? "", claims))).toEqual([403, "ticketExpired"]);
      expect(await join(sealTicket("a key of somebody else", claims))).toEqual([403, "ticketSignature"]);
      expect(await join(ticket.slice(0, 40))).toEqual([403, "ticketMalformed"]);
      // None of them has used up the seat: the right one is good.
      expect(await run.ask("GET", `/v1/sessions/${session.id}`)).toMatchObject({ state: "reserved" });
      await run.ask("DELETE", `/v1/sessions/${session.id}`);
      expect(await join(ticket)).toEqual([403, "seatGone"]);
    });

    test("a wrong SDK token", async () => {
      const headers = { authorization: "Bearer guessed" };
      const answer = await fetch(`${state.sdk.url}/v1/gameserver`, { headers });
      expect(answer.status).toBe(401);
    });
  });

  describe("tokens", () => {
    const minted = async (role: string, sub = "x", regions?: readonly string[]): Promise<CallOptions> => {
      const body = { role, sub, ...(regions && { regions }) };
      return { token: (await run.ask("POST", "/v1/tokens", body)).token as string };
    };

    test("none, nonsense, another run's, and one that has expired", async () => {
      const list = (token: string | null) => ["GET", "/v1/servers", undefined, { token }] as const;
      await refused(list(null), [401, "credentialsMissing"]);
      await refused(list("nonsense"), [401, "tokenMalformed"]);
      const of = (key: string, atMs: number) =>
        new Tokens(key, { now: () => atMs, after: () => () => undefined }).mint({
          sub: "x",
          role: "operator",
          regions: ["*"],
        }).token;
      await refused(list(of("another run's key, long enough to be one", Date.now())), [401, "tokenSignature"]);
      const { tokenKey } = JSON.parse(readFileSync(join(run.folder.path, ".forge", "run.json"), "utf8"));
      await refused(list(of(tokenKey, Date.now() - 3_601_000)), [401, "tokenExpired"]);
    });

    test("of a lesser role, of somebody else, of another region", async () => {
      const viewer = await minted("viewer");
      const place = { playerId: "hal", experienceId: "pocket" };
      await refused(["POST", "/v1/sessions", place, viewer], [403, "roleNotAllowed"], "viewer");
      await refused(["DELETE", `/v1/servers/${ann.server.id}`, undefined, viewer], [403, "roleNotAllowed"]);
      const allocator = await minted("allocator");
      await refused(["DELETE", `/v1/servers/${ann.server.id}`, undefined, allocator], [403, "roleNotAllowed"]);
      await refused(["POST", "/v1/tokens", { sub: "x", role: "viewer" }, allocator], [403, "notYours"]);
      await refused(["POST", "/v1/tokens", { sub: "x", role: "operator" }], [422, "invalid"]);
      const bo = await minted("player", "bo");
      await refused(["POST", "/v1/sessions", place, bo], [403, "notYours"], "hal");
      await refused(["DELETE", `/v1/sessions/${ann.session.id}`, undefined, bo], [403, "notYours"]);
      const there = await minted("allocator", "x", ["there"]);
      await refused(
        ["POST", "/v1/servers", { experienceId: "pocket", region: "here" }, there],
        [403, "regionNotAllowed"],
      );
    });

    test("a player's ticket opens its own session and no other", async () => {
      const other = await run.place({ playerId: "ida", experienceId: "pocket" });
      const options = { token: null, headers: { authorization: `Ticket ${other.ticket}` } };
      await refused(["DELETE", `/v1/sessions/${ann.session.id}`, undefined, options], [403, "ticketForeign"]);
      expect(await run.ask("DELETE", `/v1/sessions/${other.session.id}`, undefined, options)).toMatchObject({
        state: "ended",
      });
    });
  });
});
