import type { Call, GameServerView, Wire } from "./sdk-verbs";

/** One row: what is done, and what is told of what came of it. */
export interface Step {
  readonly what: string;
  /** @returns what came of it, without anything that differs from run to run */
  readonly run: (wire: Wire) => Promise<string>;
  /** Only where this wire has it. */
  readonly only?: Wire["name"];
}

const call = (rpc: string, body: Record<string, unknown>, rest: Call["rest"]): Call => ({ rpc, body, rest });

/** Agones writes its store at most each half second, so a state is waited for, and it is said whether it was there at once. */
async function until(wire: Wire, is: (server: GameServerView) => boolean, what: string): Promise<string> {
  const startMs = Date.now();
  for (let looks = 0; Date.now() - startMs < 4000; looks++) {
    if (is(await wire.gameServer())) return looks === 0 ? `${what} at once` : `${what} later`;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { status } = await wire.gameServer();
  return `never ${what}, still ${status.state}`;
}

function becomes(what: string, ask: Call, state: string): Step {
  return {
    what,
    run: async (wire) => {
      const answer = await wire.call(ask);
      return `${answer}, ${await until(wire, ({ status }) => status.state === state, state)}`;
    },
  };
}

function answers(what: string, ask: Call, only?: Wire["name"]): Step {
  return { what, run: (wire) => wire.call(ask), ...(only ? { only } : {}) };
}

const empty = (name: string): Call => call(`sdk.SDK/${name}`, {}, ["POST", `/${name.toLowerCase()}`]);
const reserve = (seconds: number): Call =>
  call("sdk.SDK/Reserve", { seconds: String(seconds) }, ["POST", "/reserve", { seconds: String(seconds) }]);
const keyValue = (name: "Label" | "Annotation", key: string, value: string): Call =>
  call(`sdk.SDK/Set${name}`, { key, value }, ["PUT", `/metadata/${name.toLowerCase()}`, { key, value }]);
const getCounter = (name: string): Call =>
  call("sdk.beta.SDK/GetCounter", { name }, ["GET", `/v1beta1/counters/${name}`]);
const wrapped = (of: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(of).map(([key, value]) => [key, key === "countDiff" ? value : { value }]));
const updateCounter = (name: string, change: Record<string, unknown>): Call =>
  call("sdk.beta.SDK/UpdateCounter", { counterUpdateRequest: { name, ...wrapped(change) } }, [
    "PATCH",
    `/v1beta1/counters/${name}`,
    change,
  ]);
const getList = (name: string): Call => call("sdk.beta.SDK/GetList", { name }, ["GET", `/v1beta1/lists/${name}`]);
const listValue = (verb: "Add" | "Remove", name: string, value: string): Call =>
  call(`sdk.beta.SDK/${verb}ListValue`, { name, value }, [
    "POST",
    `/v1beta1/lists/${name}:${verb.toLowerCase()}Value`,
    { value },
  ]);
const updateList = (name: string, change: Record<string, unknown>, paths: readonly string[]): Call =>
  call("sdk.beta.SDK/UpdateList", { list: { name, ...change }, update_mask: { paths } }, [
    "PATCH",
    `/v1beta1/lists/${name}?updateMask=${paths.join(",")}`,
    change,
  ]);
const player = (verb: "Connect" | "Disconnect", playerID: string): Call =>
  call(`sdk.alpha.SDK/Player${verb}`, { playerID }, ["POST", `/alpha/player/${verb.toLowerCase()}`, { playerID }]);
const players = (rpc: string, path: string): Call => call(`sdk.alpha.SDK/${rpc}`, {}, ["GET", `/alpha/player/${path}`]);
const setCapacity = (count: string): Call =>
  call("sdk.alpha.SDK/SetPlayerCapacity", { count }, ["PUT", "/alpha/player/capacity", { count }]);

/** Refused in the words of a JSON parser, which are each version's own. */
function refuses(what: string, rest: Call["rest"]): Step {
  const run = async (wire: Wire): Promise<string> =>
    (await wire.call({ rpc: "", rest })).replace(/(code \d+):.*$/s, "$1");
  return { what, run, only: "REST" };
}

/** What is set shows in the server's state, sooner or later. */
function shows(what: string, ask: Call, is: (server: GameServerView) => boolean): Step {
  return { what, run: async (wire) => `${await wire.call(ask)}, ${await until(wire, is, "shown")}` };
}

/** The same calls in the same order, for one fresh server and one wire. */
export const SCENARIO: readonly Step[] = [
  {
    what: "GetGameServer",
    run: async (wire) => {
      const { object_meta, status, ...rest } = (await wire.gameServer()) as unknown as Record<string, never>;
      const meta = Object.keys(object_meta ?? {}).sort();
      return JSON.stringify({ object_meta: meta, ...rest, status: Object.keys(status ?? {}).sort() });
    },
  },
  {
    what: "GetGameServer: players, before any call",
    run: async (wire) => JSON.stringify((await wire.gameServer()).status["players"]),
  },
  becomes("Ready", empty("Ready"), "Ready"),
  {
    what: "Reserve 1 s, then nothing",
    run: async (wire) => {
      const reserved = await becomes("", reserve(1), "Reserved").run(wire);
      const ready = await until(wire, ({ status }) => status.state === "Ready", "Ready");
      // It was seen reserved: on a busy machine the second may be over before the next look.
      return `${reserved}, ${ready.replace("at once", "later")}`;
    },
  },
  becomes("Reserve 0", reserve(0), "Reserved"),
  becomes("Reserve -1", reserve(-1), "Reserved"),
  refuses("Reserve of text", ["POST", "/reserve", { seconds: "soon" }]),
  {
    what: "Allocate",
    run: async (wire) => {
      const allocated = await becomes("", empty("Allocate"), "Allocated").run(wire);
      const { annotations } = (await wire.gameServer()).object_meta;
      return `${allocated}, last-allocated ${"agones.dev/last-allocated" in annotations ? "is set" : "is not set"}`;
    },
  },
  shows("SetLabel", keyValue("Label", "map", "ice"), (of) => of.object_meta.labels["agones.dev/sdk-map"] === "ice"),
  answers("SetLabel, an empty value", keyValue("Label", "none", "")),
  answers("SetLabel, no key", keyValue("Label", "", "x")),
  answers("SetLabel, a key with a space", keyValue("Label", "a b", "x")),
  answers("SetLabel, a key of 64 characters", keyValue("Label", "k".repeat(64), "x")),
  answers("SetLabel, a key with a prefix", keyValue("Label", "example.com/x", "x")),
  answers("SetLabel, a value with a space", keyValue("Label", "map", "a b")),
  answers("SetLabel, a value of 64 characters", keyValue("Label", "map", "v".repeat(64))),
  shows(
    "SetAnnotation",
    keyValue("Annotation", "note", "any text: even this"),
    (of) => of.object_meta.annotations["agones.dev/sdk-note"] === "any text: even this",
  ),
  answers("SetAnnotation, a key with a space", keyValue("Annotation", "a b", "x")),
  answers("GetCounter", getCounter("rooms")),
  answers("GetCounter, unknown", getCounter("doors")),
  answers("UpdateCounter +2", updateCounter("rooms", { countDiff: "2" })),
  answers("UpdateCounter +100, over the capacity", updateCounter("rooms", { countDiff: "100" })),
  answers("UpdateCounter -100, below 0", updateCounter("rooms", { countDiff: "-100" })),
  answers("UpdateCounter, count 7", updateCounter("rooms", { count: "7" })),
  answers("UpdateCounter, count -1", updateCounter("rooms", { count: "-1" })),
  shows("UpdateCounter, capacity 5, below the count", updateCounter("rooms", { capacity: "5" }), ({ status }) =>
    JSON.stringify(status["counters"]).includes('"5"'),
  ),
  answers("UpdateCounter, capacity -1", updateCounter("rooms", { capacity: "-1" })),
  shows("UpdateCounter, capacity 20", updateCounter("rooms", { capacity: "20" }), ({ status }) =>
    JSON.stringify(status["counters"]).includes('"20"'),
  ),
  answers("UpdateCounter, unknown", updateCounter("doors", { count: "1" })),
  answers("UpdateCounter that changes nothing", updateCounter("rooms", {})),
  answers("GetList", getList("players")),
  answers("GetList, unknown", getList("maps")),
  answers("AddListValue", listValue("Add", "players", "test3")),
  answers("AddListValue, there already", listValue("Add", "players", "test3")),
  answers("AddListValue, unknown list", listValue("Add", "maps", "ice")),
  answers("RemoveListValue", listValue("Remove", "players", "test0")),
  answers("RemoveListValue, not there", listValue("Remove", "players", "nobody")),
  answers("UpdateList, capacity", updateList("players", { capacity: "3" }, ["capacity"])),
  answers("AddListValue, full", listValue("Add", "players", "test4")),
  answers("UpdateList, capacity 1001", updateList("players", { capacity: "1001" }, ["capacity"])),
  answers("UpdateList, unknown", updateList("maps", { capacity: "1" }, ["capacity"])),
  answers("UpdateList, a mask of no field", updateList("players", { capacity: "1" }, ["colour"])),
  answers("UpdateList, an empty mask", updateList("players", { capacity: "2" }, []), "gRPC"),
  shows("UpdateList, values", updateList("players", { values: ["a", "b"] }, ["values"]), ({ status }) =>
    JSON.stringify(status["lists"]).includes('["a","b"]'),
  ),
  answers("SetPlayerCapacity 1", setCapacity("1")),
  answers("GetPlayerCapacity", players("GetPlayerCapacity", "capacity")),
  answers("PlayerConnect", player("Connect", "ann")),
  answers("PlayerConnect, there already", player("Connect", "ann")),
  answers("PlayerConnect, full", player("Connect", "bob")),
  answers("GetPlayerCount", players("GetPlayerCount", "count")),
  answers("GetConnectedPlayers", players("GetConnectedPlayers", "connected")),
  answers(
    "IsPlayerConnected",
    call("sdk.alpha.SDK/IsPlayerConnected", { playerID: "ann" }, ["GET", "/alpha/player/connected/ann"]),
  ),
  answers("PlayerDisconnect", player("Disconnect", "ann")),
  answers("PlayerDisconnect, not there", player("Disconnect", "ann")),
  answers("SetPlayerCapacity -1", setCapacity("-1")),
  answers("Health", { rpc: "", rest: ["POST", "/health", {}] }, "REST"),
  answers("Health without a body", { rpc: "", rest: ["POST", "/health", ""] }, "REST"),
  answers("GET of a call that is POST", { rpc: "", rest: ["GET", "/ready"] }, "REST"),
  answers("a path that there is not", { rpc: "", rest: ["GET", "/unready"] }, "REST"),
  refuses("a body that is no JSON", ["POST", "/reserve", "{"]),
  answers(
    "a field that there is not",
    { rpc: "", rest: ["PUT", "/metadata/label", { key: "a", colour: "b" }] },
    "REST",
  ),
  refuses("an array as the body", ["POST", "/ready", []]),
  becomes("Ready, of an allocated server", empty("Ready"), "Ready"),
  becomes("Shutdown", empty("Shutdown"), "Shutdown"),
  {
    what: "Ready after Shutdown",
    run: async (wire) => `${await wire.call(empty("Ready"))}, ${(await wire.gameServer()).status.state}`,
  },
];

/** What a watcher sees of a fresh server. */
export const WATCHED: Step = {
  what: "WatchGameServer, with Ready, SetLabel and Allocate after each other",
  run: async (wire) => {
    const seen: string[] = [];
    let look = (): void => undefined;
    const end = wire.watch(({ object_meta, status }) => {
      seen.push("agones.dev/sdk-map" in object_meta.labels ? `${status.state} with the label` : status.state);
      look();
    });
    const sees = async (what: string): Promise<void> => {
      while (seen.at(-1) !== what) await new Promise<void>((resolve) => (look = resolve));
    };
    await sees("Scheduled");
    await wire.call(empty("Ready"));
    await sees("Ready");
    await wire.call(keyValue("Label", "map", "ice"));
    await sees("Ready with the label");
    await wire.call(empty("Allocate"));
    await sees("Allocated with the label");
    end();
    return seen.join(", ");
  },
};

/** Of a server with a period of 1 s and a threshold of 2; over REST, where a Health is a call. */
export const SILENT: Step = {
  what: "Health once, then silence; Health again, and Ready",
  run: async (wire) => {
    await wire.call(empty("Ready"));
    await until(wire, ({ status }) => status.state === "Ready", "Ready");
    const health: Call = { rpc: "", rest: ["POST", "/health", {}] };
    await wire.call(health);
    const startMs = Date.now();
    while ((await wire.gameServer()).status.state === "Ready" && Date.now() - startMs < 10_000) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { status } = await wire.gameServer();
    await wire.call(health);
    const after = await until(wire, (server) => server.status.state !== "Unhealthy", "better");
    await wire.call(empty("Ready"));
    const { state } = (await wire.gameServer()).status;
    return `${status.state}; after Health ${after}; after Ready ${state}`;
  },
};
