import { createHmac } from "node:crypto";
import fc from "fast-check";
import vectors from "../../testing/ticket-vectors.json";
import { checkTicket, readTicket } from "./ticket";

const [first] = vectors.tickets as [(typeof vectors.tickets)[number]];
const before = (ticket: (typeof vectors.tickets)[number]): number => ticket.claims.expiresAtMs - 1;

function sealed(json: string): string {
  const body = Buffer.from(json).toString("base64url");
  return `${body}.${createHmac("sha256", vectors.key).update(body).digest("base64url")}`;
}

describe("checkTicket", () => {
  // test/sdk-contract.test.ts holds that Forge itself seals exactly these.
  it.each(vectors.tickets.map((ticket, i) => [i, ticket] as const))("accepts vector %d", (_, ticket) => {
    expect(checkTicket(vectors.key, ticket.ticket, before(ticket))).toEqual({ ok: true, claims: ticket.claims });
  });

  it("refuses from the millisecond of its expiry on", () => {
    expect(checkTicket(vectors.key, first.ticket, first.claims.expiresAtMs)).toEqual({ ok: false, problem: "expired" });
  });

  it("refuses another server's key", () => {
    const check = checkTicket("another key", first.ticket, before(first));
    expect(check).toEqual({ ok: false, problem: "signature" });
  });

  it("refuses every change of one character", () => {
    fc.assert(
      fc.property(fc.nat(first.ticket.length - 1), fc.constantFrom("A", "b", "0", "-", ".", "!"), (at, character) => {
        fc.pre(first.ticket[at] !== character);
        const changed = first.ticket.slice(0, at) + character + first.ticket.slice(at + 1);
        expect(checkTicket(vectors.key, changed, before(first)).ok).toBe(false);
      }),
    );
  });

  it.each([
    ["no claims", "{}"],
    ["an empty player", JSON.stringify({ s: "s", p: "", v: "v", a: "a", g: 1, e: 9e15 })],
    ["a player of 129 characters", JSON.stringify({ s: "s", p: "p".repeat(129), v: "v", a: "a", g: 1, e: 9e15 })],
    ["a negative generation", JSON.stringify({ s: "s", p: "p", v: "v", a: "a", g: -1, e: 9e15 })],
    ["a claim too many", JSON.stringify({ s: "s", p: "p", v: "v", a: "a", g: 1, e: 9e15, x: 1 })],
    ["null", "null"],
    ["no JSON", "{"],
  ])("calls %s malformed, however well it is sealed", (_, json) => {
    expect(checkTicket(vectors.key, sealed(json), 0)).toEqual({ ok: false, problem: "malformed" });
  });

  it("reads nothing out of arbitrary text", () => {
    fc.assert(fc.property(fc.string(), (text) => expect(readTicket(text)).toBeUndefined()));
    expect(readTicket("a".repeat(5000))).toBeUndefined();
  });

  it.each([undefined, null, 5, true, ["a.b"], { length: 3, split: "" }, Buffer.from("a.b")])(
    "takes %p, which a client may send, for no ticket",
    (value) => {
      expect(readTicket(value)).toBeUndefined();
      expect(checkTicket(vectors.key, value, 0)).toEqual({ ok: false, problem: "malformed" });
    },
  );
});
