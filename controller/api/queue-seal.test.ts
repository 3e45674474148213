import fc from "fast-check";
import { openQueueTicket, sealQueueTicket } from "./queue-seal";

const SECRETS = ["the secret in use", "the one before"] as const;
const claims = fc.record({
  experienceId: fc.string({ minLength: 1 }),
  version: fc.option(fc.string(), { nil: undefined }),
  mods: fc.array(fc.string(), { maxLength: 3 }),
  matchId: fc.option(fc.string(), { nil: null }),
  order: fc.integer({ min: 0 }),
  sinceMs: fc.integer({ min: 0 }),
  deadlineMs: fc.integer({ min: 0 }),
  party: fc.array(fc.string(), { maxLength: 4 }),
  members: fc.array(
    fc.record({
      sessionId: fc.string({ minLength: 1 }),
      playerId: fc.string({ minLength: 1 }),
      latencies: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.integer({ min: 0, max: 1000 }), {
        noNullPrototype: true,
      }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});
const CLAIM = {
  ticket: "que-us-east-1",
  experienceId: "arena",
  version: undefined,
  mods: [],
  matchId: null,
  order: 7,
  sinceMs: 5,
  deadlineMs: 9,
  party: [],
  members: [{ sessionId: "ses-us-east-1", playerId: "ann", latencies: { "us-east": 20 } }],
};

it("gives back what was sealed, also with the secret before", () => {
  fc.assert(
    fc.property(
      claims,
      fc.constantFrom("que-eu-1", "que-eu-1.ses-eu-2"),
      fc.constantFrom(...SECRETS),
      (of, id, secret) => {
        const claim = { ...of, ticket: "que-eu-1" };
        expect(openQueueTicket(SECRETS, sealQueueTicket(secret, id, claim))).toEqual({ queueTicket: id, claim });
      },
    ),
  );
});

it("is of characters that a path takes as they are", () => {
  expect(sealQueueTicket(SECRETS[0], "que-us-east-1.ses-us-east-1", CLAIM)).toMatch(/^[A-Za-z0-9._~-]+$/);
});

it("refuses whatever was changed in it, moved to another ticket, or sealed by somebody else", () => {
  const text = sealQueueTicket(SECRETS[0], "que-us-east-1", CLAIM);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom("A", "b", "9", "-"), (at, character) => {
      const changed = text.slice(0, at) + character + text.slice(at + 1);
      if (changed === text || !changed.includes("~")) return;
      expect(openQueueTicket(SECRETS, changed)).toBeUndefined();
    }),
  );
  expect(openQueueTicket(SECRETS, text.replace("us-east-1~", "us-east-2~"))).toBeUndefined();
  expect(openQueueTicket(SECRETS, sealQueueTicket("another run", "que-us-east-1", CLAIM))).toBeUndefined();
});

it("takes an id alone as one, and leaves out a seal that would be too long for a path", () => {
  expect(openQueueTicket(SECRETS, "que-us-east-1.ses-us-east-1")).toEqual({
    queueTicket: "que-us-east-1.ses-us-east-1",
    claim: undefined,
  });
  const members = Array.from({ length: 64 }, (_, i) => ({
    sessionId: `ses-${i}`,
    playerId: "é".repeat(128),
    latencies: {},
  }));
  expect(sealQueueTicket(SECRETS[0], "que-us-east-1", { ...CLAIM, members })).toBe("que-us-east-1");
});
