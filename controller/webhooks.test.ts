import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { VirtualClock } from "../protocol/virtual-clock";
import { systemClock } from "../protocol/clock";
import { verifyWebhook } from "../sdk/src/webhook";
import type { ForgeEvent } from "./core/resources";
import { EventLog } from "./event-log";
import type { WebhookPost } from "./webhook-queue";
import { readWebhooks, type Webhook, Webhooks } from "./webhooks";

const SECRET = "a secret of the receiver";
const HOOK = { url: "https://backend.example.com/hook/KEY", events: ["session.*", "scaling"], secret: SECRET };

function moved(sessionId: string, reason = "moved"): ForgeEvent {
  const at = new Date(0).toISOString();
  return {
    type: "session.moved",
    region: "here",
    at,
    reason,
    sessionId,
    playerId: "ann",
    experienceId: "arena",
    serverId: "s",
  };
}

/** Lets promises that are settled run their course. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

interface Sent {
  readonly url: string;
  readonly body: ForgeEvent;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly answer: (status: number) => void;
  readonly fail: (error: Error) => void;
}

/** Webhooks whose receiver answers when and what the test says. */
function setUp(options: { capacity?: number; auto?: () => number; hooks?: readonly Webhook[] } = {}) {
  const clock = new VirtualClock();
  const log = new EventLog({ epoch: 3 });
  const sent: Sent[] = [];
  const warnings: Readonly<Record<string, unknown>>[] = [];
  const post: WebhookPost = (url, { body, headers, signal }) => {
    if (options.auto) {
      sent.push({ url, body: JSON.parse(body), headers, signal, answer: () => undefined, fail: () => undefined });
      return Promise.resolve({ status: options.auto() });
    }
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
      sent.push({
        url,
        body: JSON.parse(body),
        headers,
        signal,
        answer: (status) => resolve({ status }),
        fail: reject,
      });
    });
  };
  const webhooks = new Webhooks({
    hooks: options.hooks ?? [HOOK],
    source: log,
    clock,
    random: () => 0.5,
    log: { warn: (fields) => warnings.push(fields) },
    post,
    ...(options.capacity === undefined ? {} : { capacity: options.capacity }),
  });
  return { clock, log, sent, warnings, webhooks };
}

describe("webhooks", () => {
  it("send what was asked for, signed so that the SDK's check accepts it", async () => {
    const { clock, log, sent, webhooks } = setUp();
    log.append({ type: "node.down", region: "here", at: "", reason: "" });
    log.append(moved("s1"));
    expect(sent).toHaveLength(1);
    const [{ body, headers }] = sent as [Sent];
    const check = verifyWebhook(SECRET, { body: JSON.stringify(body), headers }, clock.now());
    expect(check).toEqual({ ok: true, eventId: "here/3-2", event: moved("s1") });
    sent[0]?.answer(204);
    await settle();
    expect(webhooks.stats()).toEqual([
      { host: "backend.example.com", waiting: 0, delivered: 1, failedAttempts: 0, dropped: 0 },
    ]);
  });

  it("keep a session's later events back until the earlier one arrived, and no other session's", async () => {
    const { clock, log, sent } = setUp();
    log.append(moved("s1", "first"));
    log.append(moved("s1", "second"));
    log.append(moved("s2", "other"));
    expect(sent.map(({ body }) => body.reason)).toEqual(["first", "other"]);
    sent[0]?.answer(500);
    await settle();
    expect(sent).toHaveLength(2);
    clock.advance(1_000);
    expect(sent.map(({ body }) => body.reason)).toEqual(["first", "other", "first"]);
    sent[2]?.answer(200);
    await settle();
    expect(sent.map(({ body }) => body.reason)).toEqual(["first", "other", "first", "second"]);
  });

  it.each([301, 307, 404, 429, 503])("try again after %d", async (status) => {
    const { clock, log, sent } = setUp();
    log.append(moved("s1"));
    sent[0]?.answer(status);
    await settle();
    clock.advance(1_000);
    expect(sent).toHaveLength(2);
    expect(sent[1]?.headers["forge-event-id"]).toBe(sent[0]?.headers["forge-event-id"]);
    expect(sent[1]?.headers["forge-attempt"]).toBe("2");
  });

  it("cut an attempt off after 5 s", async () => {
    const { clock, log, sent } = setUp();
    log.append(moved("s1"));
    clock.advance(4_999);
    expect(sent[0]?.signal.aborted).toBe(false);
    clock.advance(1);
    expect(sent[0]?.signal.aborted).toBe(true);
    await settle();
    clock.advance(1_000);
    expect(sent).toHaveLength(2);
  });

  it("give up after the eighth attempt, say so, and go on with the session's next event", async () => {
    let status = 500;
    const { clock, log, sent, warnings, webhooks } = setUp({ auto: () => status });
    const startedAt = clock.now();
    log.append(moved("s1", "hopeless"));
    log.append(moved("s1", "next"));
    for (let i = 0; i < 8; i++) {
      await settle();
      if (sent.length === 8) break;
      clock.advance(300_000);
    }
    status = 200;
    await settle();
    expect(sent.filter(({ body }) => body.reason === "hopeless")).toHaveLength(8);
    expect(clock.now()).toBeGreaterThan(startedAt);
    expect(warnings).toEqual([
      expect.objectContaining({ event: "webhook.dropped", dropped: 1, host: "backend.example.com" }),
    ]);
    expect(JSON.stringify(warnings)).not.toContain("KEY");
    expect(sent.at(-1)?.body.reason).toBe("next");
    expect(webhooks.stats()[0]).toMatchObject({ dropped: 1 });
  });

  it("spread eight attempts over about ten minutes", async () => {
    const { clock, log, sent } = setUp({ auto: () => 500 });
    log.append(moved("s1"));
    const at: number[] = [];
    const startedAt = clock.now();
    for (let second = 0; second <= 900; second++) {
      await settle();
      if (sent.length > at.length) at.push((clock.now() - startedAt) / 1000);
      clock.advance(1_000);
    }
    expect(at).toEqual([0, 1, 4, 14, 44, 134, 314, 614]);
  });

  it("drop the oldest that is not just being sent when too many wait", async () => {
    const { log, sent, warnings, webhooks } = setUp({ capacity: 3 });
    for (const reason of ["1", "2", "3", "4", "5"]) log.append(moved("s1", reason));
    expect(warnings).toHaveLength(1);
    expect(webhooks.stats()[0]).toMatchObject({ waiting: 3, dropped: 2 });
    for (let i = 0; i < 3; i++) {
      sent[i]?.answer(200);
      await settle();
    }
    expect(sent.map(({ body }) => body.reason)).toEqual(["1", "4", "5"]);
  });

  it("send nothing more once closed, and wait for nobody for long", async () => {
    const { clock, log, sent, webhooks } = setUp();
    log.append(moved("s1", "1"));
    log.append(moved("s1", "2"));
    const closed = webhooks.close();
    log.append(moved("s2", "late"));
    clock.advance(1_000);
    await closed;
    clock.advance(600_000);
    await settle();
    expect(sent.map(({ body }) => body.reason)).toEqual(["1"]);
  });

  it("deliver every event once and in order for each session, whatever fails meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 40 }),
        fc.infiniteStream(fc.boolean()),
        async (sessions, luck) => {
          const arrived: ForgeEvent[] = [];
          const failures = new Map<string, number>();
          const { clock, log, sent } = setUp({
            auto: () => {
              const event = sent[sent.length - 1]?.body as ForgeEvent;
              // At most seven failures for one event: nothing is ever given up.
              const failed = failures.get(event.reason) ?? 0;
              const ok = failed >= 7 || luck.next().value;
              if (ok) arrived.push(event);
              else failures.set(event.reason, failed + 1);
              return ok ? 200 : 500;
            },
          });
          sessions.forEach((session, i) => log.append(moved(`s${session}`, String(i))));
          for (let i = 0; i < 400 && arrived.length < sessions.length; i++) {
            await settle();
            clock.advance(400_000);
          }
          expect(arrived).toHaveLength(sessions.length);
          for (const session of new Set(sessions)) {
            const order = arrived.filter((event) => "sessionId" in event && event.sessionId === `s${session}`);
            const expected = sessions.flatMap((other, i) => (other === session ? [String(i)] : []));
            expect(order.map(({ reason }) => reason)).toEqual(expected);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("webhooks over HTTP", () => {
  it("reach a real receiver, do not follow a redirect, and can be verified from the raw body", async () => {
    const got: { body: string; headers: IncomingHttpHeaders; path: string | undefined }[] = [];
    let heard: () => void = () => undefined;
    const twice = new Promise<void>((resolve) => (heard = resolve));
    const receiver = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        got.push({ body, headers: request.headers, path: request.url });
        if (got.length === 1) response.writeHead(302, { location: "/elsewhere" }).end();
        else response.writeHead(200).end("thanks");
        if (got.length === 2) heard();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    const log = new EventLog({ epoch: 1 });
    const webhooks = new Webhooks({
      hooks: [{ ...HOOK, url }],
      source: log,
      clock: systemClock,
      random: () => 0,
      log: { warn: () => undefined },
    });
    try {
      log.append(moved("s1"));
      await twice;
      expect(got.map(({ path }) => path)).toEqual(["/hook", "/hook"]);
      const [, second] = got;
      expect(verifyWebhook(SECRET, { body: second?.body ?? "", headers: second?.headers ?? {} })).toMatchObject({
        ok: true,
        event: moved("s1"),
      });
    } finally {
      await webhooks.close();
      receiver.closeAllConnections();
      await new Promise((resolve) => receiver.close(resolve));
    }
  });
});

describe("webhooks that change while they run", () => {
  const other = { ...HOOK, url: "https://other.example.com/hook" };

  it("tell their numbers by host, and no counter falls while another receiver of its host stays", async () => {
    const twin = { ...HOOK, url: "https://backend.example.com/second" };
    const { log, webhooks } = setUp({ auto: () => 204, hooks: [HOOK, twin, other] });
    const delivered = () => {
      const found = webhooks.metrics().find(({ name }) => name === "forge_webhook_events_delivered_total");
      return Object.fromEntries(found?.series.map(({ labels, value }) => [labels["receiver"], value]) ?? []);
    };
    log.append(moved("s1"));
    await settle();
    expect(delivered()).toEqual({ "backend.example.com": 2, "other.example.com": 1 });
    webhooks.setHooks([twin]);
    expect(delivered()).toEqual({ "backend.example.com": 2 });
    log.append(moved("s1"));
    await settle();
    expect(delivered()).toEqual({ "backend.example.com": 3 });
    // What is told of no longer may begin anew.
    webhooks.setHooks([other]);
    webhooks.setHooks([HOOK, other]);
    expect(delivered()).toEqual({ "backend.example.com": 0, "other.example.com": 0 });
    await webhooks.close();
  });

  const hosts = (sent: readonly Sent[]): string[] => sent.map(({ url }) => new URL(url).host);

  it("tell a new receiver from then on, and what waits for one that is gone is still delivered, in order", async () => {
    const { clock, log, sent, webhooks } = setUp();
    log.append(moved("s1", "first"));
    log.append(moved("s1", "second"));
    webhooks.setHooks([other]);
    log.append(moved("s1", "third"));
    expect(hosts(sent)).toEqual(["backend.example.com", "other.example.com"]);
    sent[0]?.answer(500);
    await settle();
    clock.advance(2000);
    sent[2]?.answer(204);
    await settle();
    sent[3]?.answer(204);
    sent[1]?.answer(204);
    await settle();
    const of = (host: string): string[] => sent.filter((one) => one.url.includes(host)).map(({ body }) => body.reason);
    expect(of("backend")).toEqual(["first", "first", "second"]);
    expect(of("other")).toEqual(["third"]);
    webhooks.setHooks([other]);
    expect(webhooks.stats()).toEqual([expect.objectContaining({ host: "other.example.com", delivered: 1 })]);
    for (const { answer } of sent) answer(204);
    await webhooks.close();
  });

  it("keep the order of a receiver whose events and secret change, and sign what is tried again with the new secret", async () => {
    const { clock, log, sent, webhooks } = setUp();
    log.append(moved("s1", "first"));
    webhooks.setHooks([{ ...HOOK, events: ["session.moved", "node.*"], secret: "another secret of theirs" }]);
    log.append(moved("s1", "second"));
    log.append({ type: "node.down", region: "here", at: "", reason: "" });
    expect(sent.map(({ body }) => body.reason)).toEqual(["first", ""]);
    sent[0]?.answer(500);
    await settle();
    clock.advance(2000);
    const again = sent[2];
    const body = JSON.stringify(again?.body);
    const headers = again?.headers ?? {};
    expect(verifyWebhook(SECRET, { body, headers }, clock.now()).ok).toBe(false);
    expect(verifyWebhook("another secret of theirs", { body, headers }, clock.now()).ok).toBe(true);
    again?.answer(204);
    await settle();
    expect(sent.map(({ body: { reason } }) => reason)).toEqual(["first", "", "first", "second"]);
    for (const { answer } of sent) answer(204);
    await webhooks.close();
  });

  it("go on in the same queue where one is taken out and put back", async () => {
    const { log, sent, webhooks } = setUp();
    log.append(moved("s1", "first"));
    webhooks.setHooks([]);
    log.append(moved("s1", "unheard"));
    webhooks.setHooks([HOOK]);
    log.append(moved("s1", "second"));
    expect(sent.map(({ body }) => body.reason)).toEqual(["first"]);
    sent[0]?.answer(204);
    await settle();
    expect(sent.map(({ body }) => body.reason)).toEqual(["first", "second"]);
    for (const { answer } of sent) answer(204);
    await webhooks.close();
  });

  it("may begin with none", async () => {
    const { log, sent, webhooks } = setUp({ hooks: [] });
    log.append(moved("s1"));
    webhooks.setHooks([HOOK, other]);
    log.append(moved("s2"));
    expect(hosts(sent)).toEqual(["backend.example.com", "other.example.com"]);
    for (const { answer } of sent) answer(204);
    await webhooks.close();
  });
});

describe("readWebhooks", () => {
  const config = { url: "https://backend.example.com/forge", events: ["scaling"] };

  it("takes the secret from the named variable, or the common one", () => {
    const env = { HOOK: SECRET, FORGE_WEBHOOK_SECRET: `${SECRET} too` };
    const hooks = readWebhooks(
      [
        { ...config, secretEnv: "HOOK" },
        { ...config, secretEnv: undefined },
      ],
      env,
    );
    expect(hooks.map(({ secret }) => secret)).toEqual([SECRET, `${SECRET} too`]);
  });

  it("names every variable that is missing or too short, and repeats no value", () => {
    const read = (): unknown =>
      readWebhooks(
        [
          { ...config, secretEnv: "HOOK" },
          { ...config, secretEnv: undefined },
        ],
        { HOOK: "hunter2" },
      );
    expect(read).toThrow(/HOOK has 7 characters[^]*FORGE_WEBHOOK_SECRET is not set/);
    expect(read).not.toThrow(/hunter2/);
  });
});
