import { createHmac } from "node:crypto";
import { verifyWebhook } from "./webhook";

const SECRET = "a secret of the receiver";
const NOW_MS = 1_700_000_000_000;
const BODY = '{"type":"scaling"}';

function request(over: { t?: number; secret?: string; signature?: string; body?: string } = {}) {
  const { t = NOW_MS / 1000, secret = SECRET, body = BODY } = over;
  const seal = createHmac("sha256", secret).update(`${t}.${BODY}`).digest("hex");
  return { body, headers: { "forge-event-id": "here/1-1", "forge-signature": over.signature ?? `t=${t},v1=${seal}` } };
}

describe("verifyWebhook", () => {
  it("gives the event and its id", () => {
    const expected = { ok: true, eventId: "here/1-1", event: { type: "scaling" } };
    expect(verifyWebhook(SECRET, request(), NOW_MS)).toEqual(expected);
    const bytes = { ...request(), body: new TextEncoder().encode(BODY) };
    expect(verifyWebhook(SECRET, bytes, NOW_MS)).toEqual(expected);
  });

  it("accepts one right seal of several, while a secret is being replaced", () => {
    const [, right = ""] = request().headers["forge-signature"].split(",");
    const signature = `t=${NOW_MS / 1000},v1=${"0".repeat(64)},${right}`;
    expect(verifyWebhook(SECRET, request({ signature }), NOW_MS).ok).toBe(true);
  });

  it.each([
    ["another secret", request({ secret: "another" }), "signature"],
    ["another body", request({ body: '{"type":"failover"}' }), "signature"],
    [
      "another time than was sealed",
      request({ signature: request().headers["forge-signature"].replace("t=17", "t=18") }),
      "signature",
    ],
    ["a seal six minutes old", request({ t: NOW_MS / 1000 - 360 }), "stale"],
    ["a seal six minutes ahead", request({ t: NOW_MS / 1000 + 360 }), "stale"],
    ["no seal", request({ signature: `t=${NOW_MS / 1000}` }), "malformed"],
    ["no time", request({ signature: "v1=00" }), "malformed"],
    ["no header", { body: BODY, headers: {} }, "missing"],
  ])("refuses %s", (_, webhook, problem) => {
    expect(verifyWebhook(SECRET, webhook, NOW_MS)).toEqual({ ok: false, problem });
  });
});
