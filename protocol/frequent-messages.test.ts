import * as fc from "fast-check";
import * as z from "zod";
import { arePlainSeatReports, isPlainAck, isPlainGrant } from "./frequent-messages";
import { fromAgentSchemas, fromControllerSchemas } from "./schemas";
import { seatReportSchema } from "./server-schemas";

const carry = {
  experienceId: "arena",
  version: "1",
  mods: ["a"],
  party: ["p", "q"],
  latencies: { "us-east": 20.5, "eu-west": -0.5 },
  connectedAtMs: 1.5,
};
const grant = {
  type: "request",
  id: 7,
  epoch: 3,
  body: {
    kind: "grant",
    serverId: "s",
    allocationId: "a",
    leaseMs: 30_000,
    seats: [{ sessionId: "x", playerId: "p", generation: 2, carry }],
  },
};
const matchGrant = {
  ...grant,
  body: { ...grant.body, seats: [{ ...grant.body.seats[0], carry: { ...carry, matchId: "m" } }] },
};
const seat = { sessionId: "x", playerId: "p", generation: 2, ticket: "t", leaseExpiresAtMs: 5.5 };
const ack = { type: "ack", id: 7, ok: true, epoch: 3, free: -1, seats: [seat, seat] };
const seatReport = { sessionId: "x", playerId: "p", generation: 2, joined: true, grantedAtMs: 1.5, carry };
const leased = { ...seatReport, joined: false, leaseExpiresAtMs: 5.5 };
const seats = [seatReport, leased, { ...seatReport, joinedAtMs: 3 }];
const { free: _free, ...ackWithoutFree } = ack;

const CASES = [
  { name: "a grant", samples: [grant, matchGrant], isPlain: isPlainGrant, schema: fromControllerSchemas.request },
  { name: "its answer", samples: [ack, ackWithoutFree], isPlain: isPlainAck, schema: fromAgentSchemas.ack },
  {
    name: "what a snapshot tells of seats",
    samples: [{ type: "", seats }],
    isPlain: (message: Readonly<Record<string, unknown>>) => arePlainSeatReports(message["seats"]),
    // Looked at alone: what is beside it is not its concern.
    schema: z.looseObject({ seats: z.array(seatReportSchema) }),
  },
];

/** What may stand anywhere in a message that was made up or damaged. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    "",
    "x",
    "y".repeat(257),
    0,
    -1,
    0.5,
    2 ** 53,
    Infinity,
    [],
    [[]],
    {},
    { a: "b" },
  ),
  fc.jsonValue(),
);

type Path = readonly (string | number)[];

function paths(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...at, key]))];
}

/** A copy in which what is at `path` was replaced, taken away, or given one key more. */
function damaged(message: unknown, path: Path, how: "replace" | "drop" | "add", by: unknown): unknown {
  const copy = structuredClone(message) as Record<string, unknown>;
  const last = path.at(-1);
  if (last === undefined) return how === "add" ? { ...copy, more: by } : copy;
  let parent: Record<string, unknown> = copy;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string, unknown>;
  if (how === "replace") parent[last] = by;
  else if (how === "drop") delete parent[last];
  else if (typeof parent[last] === "object") parent[last] = { ...(parent[last] as object), more: by };
  return copy;
}

describe.each(CASES)("$name", ({ samples, isPlain, schema }) => {
  test("as it usually comes is plain", () => {
    for (const sample of samples) expect(isPlain(sample)).toBe(true);
  });

  test("is plain only where the schema takes it and changes nothing", () => {
    const damage = fc.constantFrom(...samples).chain((sample) =>
      fc.record({
        sample: fc.constant(sample),
        path: fc.constantFrom(...paths(sample)),
        how: fc.constantFrom("replace" as const, "drop" as const, "add" as const),
        by: anything,
      }),
    );
    let plain = 0;
    let refused = 0;
    fc.assert(
      fc.property(damage, ({ sample, path, how, by }) => {
        // As it comes off a wire: nothing undefined, no gaps in lists.
        const message = JSON.parse(JSON.stringify(damaged(sample, path, how, by))) as Record<string, unknown>;
        // By its type the codec has chosen whom to ask.
        fc.pre(message["type"] === sample.type);
        const result = schema.safeParse(message);
        if (!result.success) refused++;
        if (!isPlain(message)) return;
        plain++;
        expect(result.success && result.data).toEqual(message);
      }),
      { numRuns: 1000 },
    );
    // Both kinds were tried.
    expect(plain).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(50);
  });

  test("with a key that no schema keeps is not plain", () => {
    const odd = JSON.parse(JSON.stringify(samples[0]).replace('"us-east":20.5', '"__proto__":1')) as typeof grant;
    expect(isPlain(odd)).toBe(!JSON.stringify(samples[0]).includes("us-east"));
  });
});

test("a snapshot whose seats are wrong says where", () => {
  const servers = [{ serverId: "s", allocationId: "a", seats: [seatReport, { ...seatReport, generation: -1 }] }];
  const { error } = fromAgentSchemas.snapshot.safeParse({ type: "snapshot", epoch: 1, servers, saved: [] });
  expect(error?.issues.map(({ path }) => path.join("."))).toContain("servers.0.seats.1.generation");
});
