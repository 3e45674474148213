import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../protocol/clock";
import { ScalingWebhook, type ConsultDecision } from "./scaling-webhook";

type Answer = (review: { request: { uid: string; status: object } }, response: ServerResponse) => void;

let server: Server;
let answer: Answer;
const seen: { headers: IncomingMessage["headers"]; body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      seen.push({ headers: request.headers, body });
      answer(JSON.parse(body) as Parameters<Answer>[0], response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const env = { SCALING_SECRET: "a secret of this test alone" };
const webhook = new ScalingWebhook({ region: "here", folder: "/", env, clock: systemClock });
afterAll(() => webhook.close());

const status = { replicas: 4, readyReplicas: 1, reservedReplicas: 0, allocatedReplicas: 3, players: 40, queued: 2 };
const ask = (over: Partial<ConsultDecision["webhook"]> = {}) => {
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/scale`;
  const fleet = { ...status, counters: {}, lists: {} };
  return webhook.ask({ type: "consult", experienceId: "arena", webhook: { url, ...over }, fleet });
};
const counted = () => {
  const [calls = NaN, failures = NaN] = webhook.metrics(["arena"]).map(({ series }) => series[0]?.value);
  return { calls, failures };
};
const say = (value: object, code = 200): Answer => {
  return ({ request: { uid } }, response) =>
    response.writeHead(code).end(JSON.stringify({ response: { uid, ...value } }));
};

it("asks as Agones does, signed, and takes the answer", async () => {
  answer = say({ scale: true, replicas: 7 });
  expect(counted()).toEqual({ calls: 0, failures: 0 });
  expect(await ask({ secretEnv: "SCALING_SECRET" })).toEqual({ scale: true, replicas: 7 });
  expect(counted()).toEqual({ calls: 1, failures: 0 });
  const { body, headers } = seen.at(-1) ?? { body: "", headers: {} };
  expect(JSON.parse(body)).toMatchObject({ request: { name: "arena", namespace: "here", status } });
  const unix = Number(/^t=(\d+),/.exec(String(headers["forge-signature"]))?.[1]);
  const seal = createHmac("sha256", env.SCALING_SECRET)
    .update(`${String(unix)}.${body}`)
    .digest("hex");
  expect(headers["forge-signature"]).toBe(`t=${String(unix)},v1=${seal}`);
});

it.each<[string, Answer, string]>([
  ["an error", say({}, 500), "answered 500"],
  ["no JSON", (_, response) => response.end("replicas: 7"), "its answer is not JSON"],
  ["no response", (_, response) => response.end("{}"), "its answer is no FleetAutoscaleReview with a response"],
  ["too many", say({ scale: true, replicas: 1e9 }), "its answer is no FleetAutoscaleReview with a response"],
  ["another's answer", say({ uid: "other" }), "its answer has another uid than the request"],
  ["a flood", (_, response) => response.end("x".repeat(70_000)), "its answer has more than 65536 bytes"],
])("says what was wrong: %s", async (_, how, failure) => {
  answer = how;
  const before = counted();
  expect(await ask()).toEqual({ failure });
  expect(counted()).toEqual({ calls: before.calls + 1, failures: before.failures + 1 });
});

it("waits no longer than it may, and says that a secret is missing", async () => {
  answer = () => undefined;
  expect(await ask({ timeoutSecs: 0.1 })).toEqual({ failure: "no answer within 0.1 s" });
  expect(await ask({ secretEnv: "NOT_SET" })).toMatchObject({ failure: expect.stringContaining("NOT_SET") });
  server.closeAllConnections();
});
