import fc from "fast-check";
import { parseEventLine, type NomadEvent } from "../../../clients/nomad-events";
import type { EngineEvent } from "../../engine";
import { readRecording } from "./recordings/recordings";
import { ServerBook } from "./server-book";

const { servers } = readRecording();

function eventsOf(name: string): NomadEvent[] {
  return (servers[name] ?? []).flatMap((event) => parseEventLine(JSON.stringify({ Index: 1, Events: [event] })).events);
}

interface Reader {
  readonly book: ServerBook;
  readonly told: EngineEvent[];
  readonly dropped: string[];
  give(events: readonly NomadEvent[]): void;
}

/** Takes events in as the engine does: an allocation whose job is not known yet waits for that. */
function reader(): Reader {
  const told: EngineEvent[] = [];
  const dropped: string[] = [];
  const book = new ServerBook({
    region: "here",
    addressOf: () => "192.0.2.1",
    tell: (event) => void told.push(event),
    drop: (jobId) => void dropped.push(jobId),
    onChange: () => undefined,
    onRemove: () => undefined,
  });
  const give = (events: readonly NomadEvent[]) => {
    for (const event of events) {
      if (event.topic === "job") book.onJob(event.job);
      else if (event.topic === "evaluation") book.onEvaluation(event.evaluation);
      else if (event.topic === "allocation" && !book.onAllocation(event.allocation)) {
        const job = events.find((other) => other.topic === "job" && other.job.id === event.allocation.jobId);
        if (job?.topic === "job") book.onJob(job.job);
        book.onAllocation(event.allocation);
      }
    }
  };
  return { book, told, dropped, give };
}

function toldOf(name: string): { readonly told: EngineEvent[]; readonly dropped: string[]; readonly book: ServerBook } {
  const { give, ...rest } = reader();
  give(eventsOf(name));
  return rest;
}

const types = (told: readonly EngineEvent[]) => told.map(({ type }) => type);
const exitOf = (told: readonly EngineEvent[]) => told.find((event) => event.type === "exited")?.exit;

describe("what a real Nomad said", () => {
  test.each([
    ["stopped", { task: "primary", exitCode: 0, signal: undefined, requested: true }],
    ["killed", { task: "primary", exitCode: undefined, signal: "SIGKILL", requested: true }],
    ["ended", { task: "primary", exitCode: 5, signal: undefined, requested: false }],
    ["crashed", { task: "primary", exitCode: undefined, signal: "SIGKILL", requested: false }],
    ["roleEnded", { task: "role", exitCode: 3, signal: undefined, requested: false }],
  ])("of a server that was %s is told once, with how it ended", (name, exit) => {
    const { told } = toldOf(name);
    expect(types(told)).toEqual(["placed", "running", "exited"]);
    expect(exitOf(told)).toMatchObject({ ...exit, outOfMemory: false });
  });

  test("of a place has ports, node and address before any task has started", () => {
    const [placed] = toldOf("stopped").told;
    expect(placed).toMatchObject({
      type: "placed",
      server: {
        state: "pending",
        experienceId: "probe",
        version: "1.0.0",
        role: "server",
        address: "192.0.2.1",
        pids: {},
      },
    });
    const { ports, meta } = (placed as Extract<EngineEvent, { type: "placed" }>).server;
    expect(Object.keys(ports).sort()).toEqual(["game", "sdk"]);
    // Meta of the job itself and what a dispatch left out are not the launch's.
    expect(Object.values(meta)).not.toContain("");
    expect(meta["region"]).toBeUndefined();
  });

  test("of a program that is missing is a start that failed for good, not an exit", () => {
    const { told } = toldOf("missingProgram");
    expect(types(told)).toEqual(["placed", "blocked"]);
    expect(told[1]).toMatchObject({ code: "programMissing", final: true });
    expect(told[1]).toMatchObject({
      reason: expect.stringContaining('"no-such-game-server" could not be found') as string,
    });
  });

  test("of memory that is short may pass by; the order stays", () => {
    const { told, dropped } = toldOf("noMemory");
    expect(told).toMatchObject([
      { type: "blocked", code: "noCapacity", final: false, reason: "no place on 1 node: 1 node short of memory" },
    ]);
    expect(dropped).toEqual([]);
  });

  test("of a driver that no node has will not pass by; the order is taken back", () => {
    const { told, dropped } = toldOf("noDriver");
    expect(told).toMatchObject([
      {
        type: "blocked",
        code: "driverUnsupported",
        final: true,
        reason: "no place on 1 node: 1 node without its driver",
      },
    ]);
    expect(dropped).toHaveLength(1);
  });

  test("again, late and in any order tells the same, each thing once", () => {
    const all = Object.keys(servers).filter((name) => name !== "noMemory" && name !== "noDriver");
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.array(fc.nat(), { minLength: 20, maxLength: 60 }), (name, picks) => {
        const events = eventsOf(name);
        const once = toldOf(name);
        const { told, give } = reader();
        // Only that a job is dead comes in order: after its allocation.
        const shuffled = events.filter((event) => event.topic !== "job" || event.job.status !== "dead");
        give(picks.map((pick) => shuffled[pick % shuffled.length] as NomadEvent));
        give(events);
        expect(exitOf(told)).toEqual(exitOf(once.told));
        expect(types(told)).toEqual(types(once.told));
      }),
    );
  });
});

describe("a whole look", () => {
  const listing = (name: string) => {
    const events = eventsOf(name);
    const jobs = events.flatMap((event) => (event.topic === "job" ? [event.job] : [])).slice(0, 1);
    const allocations = events.flatMap((event) => (event.topic === "allocation" ? [event.allocation] : []));
    return { jobs, allocations, evaluations: [] };
  };

  test("tells all that happened while nobody listened", () => {
    const { book, told } = reader();
    const { jobs, allocations, evaluations } = listing("crashed");
    book.onListing({ jobs, allocations: allocations.slice(-1), evaluations }, book.now());
    expect(types(told)).toEqual(["placed", "running", "exited"]);
  });

  test("tells a server that was stopped with how it ended, though its job is dead", () => {
    const { book, told } = reader();
    const events = eventsOf("stopped");
    const jobs = events.flatMap((event) => (event.topic === "job" ? [event.job] : [])).slice(-1);
    book.onListing({ jobs, allocations: listing("stopped").allocations.slice(-1), evaluations: [] }, book.now());
    expect(jobs[0]?.status).toBe("dead");
    expect(exitOf(told)).toMatchObject({ task: "primary", exitCode: 0, requested: true });
  });

  test("without a server that ran says that it is gone", () => {
    const { book, told, give } = reader();
    const events = eventsOf("stopped");
    give(
      events.slice(
        0,
        events.findIndex(({ type }) => type === "JobDeregistered"),
      ),
    );
    book.onListing({ jobs: [], allocations: [], evaluations: [] }, book.now());
    expect(types(told)).toEqual(["placed", "running", "exited"]);
    expect(exitOf(told)).toMatchObject({ requested: false, exitCode: undefined });
    expect([...book.all()]).toEqual([]);
  });

  test("that began before a server was dispatched does not lose it", () => {
    const { book, told, give } = reader();
    const before = book.now();
    give(eventsOf("crashed").slice(0, 4));
    book.onListing({ jobs: [], allocations: [], evaluations: [] }, before);
    expect(types(told)).toEqual(["placed"]);
    expect([...book.all()]).toHaveLength(1);
  });

  test("takes no job in that is somebody else's", () => {
    const { book, told } = reader();
    const { jobs, allocations, evaluations } = listing("stopped");
    const [job] = jobs;
    if (job === undefined) throw new Error("the recording has no job");
    const others = [
      { ...job, meta: { ...job.meta, region: "there" } },
      { ...job, id: job.id.replace("here.", "there.") },
      { ...job, meta: {} },
    ];
    book.onListing({ jobs: others, allocations, evaluations }, book.now());
    expect(told).toEqual([]);
    expect([...book.all()]).toEqual([]);
  });

  test("of two jobs for one server keeps the first", () => {
    const { book, dropped } = reader();
    const [job] = listing("noMemory").jobs;
    if (job === undefined) throw new Error("the recording has no job");
    const later = { ...job, id: `${job.id.slice(0, -1)}x`, createIndex: job.createIndex + 1 };
    book.onJob(later);
    book.onJob(job);
    expect(dropped).toEqual([later.id]);
    expect([...book.all()].map((record) => record.job.id)).toEqual([job.id]);
  });
});

test("a node out of reach is no end, and its allocation is the same afterwards", () => {
  const { told, give, book } = reader();
  const events = eventsOf("stopped").filter((event) => event.topic !== "evaluation");
  const running = events.findLast((event) => event.topic === "allocation" && event.allocation.client === "running");
  if (running?.topic !== "allocation") throw new Error("the recording has no running allocation");
  give(events.slice(0, 3));
  const unknown = { ...running.allocation, client: "unknown", modifyIndex: running.allocation.modifyIndex + 1 };
  for (const allocation of [
    running.allocation,
    unknown,
    { ...running.allocation, modifyIndex: unknown.modifyIndex + 1 },
  ])
    book.onAllocation(allocation);
  expect(types(told)).toEqual(["placed", "running"]);
});
