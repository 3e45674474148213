import { createSigner } from "fast-jwt";
import { VirtualClock } from "../protocol/virtual-clock";
import type { Actor } from "./api/backend";
import { Tokens } from "./tokens";

const KEY = "a key of one run, for tests only, long enough";
const ann = { sub: "ann", role: "player", regions: ["eu"] } as const;

function made(): { readonly clock: VirtualClock; readonly tokens: Tokens } {
  const clock = new VirtualClock(Date.UTC(2025, 0, 1));
  return { clock, tokens: new Tokens(KEY, clock) };
}

/** A token that says whatever it wants, signed with the right key. */
function signed(claims: Record<string, unknown>, algorithm: "HS256" | "HS512" = "HS256"): string {
  return createSigner({ key: KEY, algorithm, noTimestamp: true })(claims);
}

describe("tokens", () => {
  it("say who was meant when they were minted", () => {
    const { tokens } = made();
    const { token } = tokens.mint(ann);
    expect(tokens.verify(token)).toEqual({ ok: true, actor: ann });
    expect(tokens.verify(token)).toEqual({ ok: true, actor: ann });
  });

  it("are good in another controller of the run, and in no other run", () => {
    const { tokens, clock } = made();
    const { token } = tokens.mint(ann);
    expect(new Tokens(KEY, clock).verify(token)).toEqual({ ok: true, actor: ann });
    expect(new Tokens(`another ${KEY}`, clock).verify(token)).toEqual({ ok: false, problem: "tokenSignature" });
  });

  it("that were made for it are renewed, by the hour, until their time is over and no longer", () => {
    const { tokens, clock } = made();
    const viewer = { sub: "kim", role: "viewer", regions: ["eu", "us"] } as const;
    const actorOf = (token: string): Actor => {
      const check = tokens.verify(token);
      if (!check.ok) throw new Error(check.problem);
      return check.actor;
    };
    const first = actorOf(tokens.mint({ ...viewer, renewableForSecs: 7200 }).token);
    clock.advance(3_000_000);
    const second = tokens.renew(first, { regions: ["eu"] });
    expect(actorOf(second?.token ?? "")).toEqual({
      ...viewer,
      regions: ["eu"],
      renewableUntilMs: first.renewableUntilMs,
    });
    clock.advance(3_000_000);
    // Good no longer than the time it was made for.
    expect(tokens.renew(actorOf(second?.token ?? ""))?.expiresAtMs).toBe(first.renewableUntilMs);
    clock.advance(1_200_000);
    expect(tokens.renew(first)).toBeUndefined();
  });

  it("that were not made for it are not renewed", () => {
    const { tokens } = made();
    const check = tokens.verify(tokens.mint(ann).token);
    expect(check.ok && tokens.renew(check.actor)).toBeUndefined();
    expect(() => tokens.mint({ ...ann, renewableForSecs: 43_201 })).toThrow("0 to 43200 seconds, not 43201");
  });

  it.each([true, false])("end when they said they would (seen before: %p)", (seen) => {
    const { tokens, clock } = made();
    const { token, expiresAtMs } = tokens.mint({ ...ann, expiresInSecs: 60 });
    expect(expiresAtMs).toBe(clock.now() + 60_000);
    if (seen) tokens.verify(token);
    clock.advance(59_999);
    expect(seen ? tokens.verify(token).ok : true).toBe(true);
    clock.advance(1);
    expect(tokens.verify(token)).toEqual({ ok: false, problem: "tokenExpired" });
    expect(tokens.verify(token)).toEqual({ ok: false, problem: "tokenExpired" });
  });

  it.each([0, -1, 3601, NaN])("never live %p seconds", (expiresInSecs) => {
    expect(() => made().tokens.mint({ ...ann, expiresInSecs })).toThrow(RangeError);
  });

  it("are taken from the key before too, until that is given up", () => {
    const { tokens } = made();
    const { token } = tokens.mint(ann);
    const next = `next: ${KEY}`;
    tokens.setKeys([next, KEY]);
    expect(tokens.verify(token)).toEqual({ ok: true, actor: ann });
    const { token: newer } = tokens.mint(ann);
    tokens.setKeys([next]);
    expect(tokens.verify(token)).toEqual({ ok: false, problem: "tokenSignature" });
    expect(tokens.verify(newer)).toEqual({ ok: true, actor: ann });
  });

  it("need a key worth the name", () => {
    expect(() => new Tokens("short", new VirtualClock())).toThrow("at least 32");
  });

  const iat = Date.UTC(2025, 0, 1) / 1000;
  it.each([
    ["nothing", ""],
    ["noise", "noise"],
    ["three parts of noise", "a.b.c"],
    ["more than 4 KiB", "a".repeat(5000)],
    ["no expiry", signed({ ...ann, iat })],
    ["no begin", signed({ ...ann, exp: iat + 60 })],
    ["a life of a day", signed({ ...ann, iat, exp: iat + 86_400 })],
    ["a role that does not exist", signed({ ...ann, role: "king", iat, exp: iat + 60 })],
    ["no subject", signed({ role: "player", regions: [], iat, exp: iat + 60 })],
    ["regions that are no list", signed({ ...ann, regions: "eu", iat, exp: iat + 60 })],
    ["another algorithm", signed({ ...ann, iat, exp: iat + 60 }, "HS512")],
    [
      "no signature",
      `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify({ ...ann, iat, exp: iat + 60 })).toString("base64url")}.`,
    ],
  ])("with %s are refused", (_what, token) => {
    expect(made().tokens.verify(token)).toEqual({ ok: false, problem: "tokenMalformed" });
  });

  it("with one character changed are refused", () => {
    const { tokens } = made();
    const { token } = tokens.mint(ann);
    const [head = "", , seal = ""] = token.split(".");
    const operator = Buffer.from(JSON.stringify({ ...ann, role: "operator", iat, exp: iat + 60 })).toString(
      "base64url",
    );
    expect(tokens.verify(`${head}.${operator}.${seal}`)).toEqual({ ok: false, problem: "tokenSignature" });
  });
});
