import { writeFileSync } from "node:fs";
import {
  readRecording,
  RECORDING_FILE,
  type RecordedEvent,
  type Recording,
} from "../../controller/adapters/nomad/recordings/recordings";
import type { ServerLaunch } from "../../controller/engine";
import { EventLog, launchOf } from "../contract/engine-harness";
import { deploy, NAMESPACE, startNomad, type NomadRun } from "../contract/nomad-run";
import { skipUnless } from "../skips";
import { findPart } from "./real-parts";
import { cutDown, missingIn } from "./shape";

const nomad = findPart("nomad");
const isRoot = process.getuid?.() === 0;
/** Set: what is recorded is written, not compared. */
const record = process.env["FORGE_RECORD_NOMAD"] !== undefined;

skipUnless(
  "recordings of Nomad against a real one",
  "nomad is neither on PATH nor in Forge's cache, or this is not root",
  nomad !== undefined && isRoot,
)("recordings of Nomad", () => {
  jest.setTimeout(120_000);

  it("have the shape of what a real one says", async () => {
    const run = await startNomad(nomad ?? "", { heartbeatGraceSecs: 1 });
    try {
      const seen = await observe(run);
      if (record) writeFileSync(RECORDING_FILE, `${JSON.stringify(seen)}\n`);
      // Where this fails: FORGE_RECORD_NOMAD=1 npx jest test/cluster/nomad-recordings, and see that the unit tests still hold.
      expect(missingIn(seen, readRecording())).toEqual([]);
    } finally {
      await run.close();
    }
  });
});

async function observe(run: NomadRun): Promise<Recording> {
  const log = new EventLog(run.engine);
  const stream = await follow(run);
  const launches: Record<string, ServerLaunch> = {
    stopped: launchOf(),
    killed: launchOf({ args: ["deaf"] }),
    ended: launchOf({ args: ["exit", "5"] }),
    crashed: launchOf({ args: ["crash"] }),
    roleEnded: launchOf({ beside: [{ args: ["exit", "3"] }] }),
    missingProgram: launchOf({ task: { command: "no-such-game-server" } }),
    noMemory: launchOf({ task: { memory: 100_000_000 } }),
    noDriver: launchOf({ task: { driver: "docker" } }),
  };
  for (const launch of Object.values(launches)) await run.engine.start(launch);
  const id = (name: string) => launches[name]?.serverId ?? "";
  const listed = await Promise.all([log.of("running", id("stopped")), log.of("running", id("killed"))]).then(() =>
    lists(run, id("stopped")),
  );
  await run.engine.stop(id("stopped"), { reason: "recorded", graceSecs: 10 });
  await run.engine.stop(id("killed"), { reason: "recorded", graceSecs: 0 });
  await Promise.all(["stopped", "killed", "ended", "crashed", "roleEnded"].map((name) => log.of("exited", id(name))));
  await Promise.all(["missingProgram", "noMemory", "noDriver"].map((name) => log.of("blocked", id(name))));
  const again = await dispatches(run);
  await run.cluster.client.kill();
  await log.first((event): event is Extract<typeof event, { type: "nodeDown" }> => event.type === "nodeDown");
  const [nodeAway] = await run.cluster.call<unknown[]>("GET", "/v1/nodes");
  run.cluster.client.start();
  await run.cluster.untilNode("ready");
  const events = stream.end();
  log.close();
  const servers = Object.fromEntries(
    Object.entries(launches).map(([name, { serverId }]) => [name, eventsOf(events, serverId)]),
  );
  return cutDown({ servers, ...again, lists: { ...listed, nodeAway } }) as Recording;
}

/** Nomad's own words, not through the client under test. */
async function follow({ cluster }: NomadRun): Promise<{ end(): RecordedEvent[] }> {
  const over = new AbortController();
  const query = "topic=Job:*&topic=Allocation:*&topic=Evaluation:*";
  const response = await fetch(`${cluster.address}/v1/event/stream?${query}&namespace=${NAMESPACE}`, {
    signal: over.signal,
  });
  let text = "";
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>)
      text += decoder.decode(part, { stream: true });
  })().catch(() => undefined);
  const end = () => {
    over.abort();
    void reading;
    const lines = text.split("\n").filter((line) => line.endsWith("}"));
    return lines.flatMap((line) => (JSON.parse(line) as { readonly Events?: RecordedEvent[] }).Events ?? []);
  };
  return { end };
}

function eventsOf(events: readonly RecordedEvent[], serverId: string): RecordedEvent[] {
  return events.filter((event) => JSON.stringify(event.Payload).includes(`/dispatch-${serverId}-`));
}

async function lists({ cluster }: NomadRun, serverId: string) {
  const namespace = `namespace=${NAMESPACE}`;
  const jobs = await cluster.call<{ readonly ID: string }[]>("GET", `/v1/jobs?${namespace}&meta=true`);
  const query = `${namespace}&resources=true&task_states=true`;
  const allocations = await cluster.call<{ readonly JobID: string }[]>("GET", `/v1/allocations?${query}`);
  const [node] = await cluster.call<unknown[]>("GET", "/v1/nodes");
  return {
    job: jobs.find(({ ID }) => ID.includes(serverId)),
    allocation: allocations.find(({ JobID }) => JobID.includes(serverId)),
    node,
  };
}

async function dispatches({ cluster }: NomadRun): Promise<Pick<Recording, "dispatch" | "refusals">> {
  const launch = launchOf();
  await deploy(cluster, launch);
  const { serverId } = launch;
  const meta = { serverId, experienceId: "probe", version: "1.0.0", role: "server", maxPlayers: "0" };
  const dispatch = (job: string, Meta: object) =>
    cluster.call("PUT", `/v1/job/${job}/dispatch?namespace=${NAMESPACE}`, {
      Meta,
      IdempotencyToken: serverId,
      IdPrefixTemplate: serverId,
    });
  const refused = async (call: Promise<unknown>) => {
    const { message } = (await call.catch((error: unknown) => error)) as Error;
    const [, status = "0", text = ""] = /: (\d+) (.*)$/s.exec(message) ?? [];
    return { status: Number(status), text };
  };
  const first = await dispatch("here.gameserver.probe", meta);
  const repeated = await dispatch("here.gameserver.probe", meta);
  return {
    dispatch: { first, repeated },
    refusals: {
      noJob: await refused(dispatch("here.gameserver.none", meta)),
      metaTooMuch: await refused(dispatch("here.gameserver.probe", { ...meta, colour: "blue" })),
      metaMissing: await refused(dispatch("here.gameserver.probe", {})),
    },
  };
}
