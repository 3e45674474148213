import { createHmac, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { Agent, request } from "../clients/undici.cjs";
import { WEBHOOK_TIMEOUT_SECS, type WebhookRule } from "../config/scaling-chain";
import type { Clock } from "../protocol/clock";
import type { Meter, Metric } from "./api/metric";
import type { Decision } from "./core/decision";
import type { Input } from "./core/input";
import { Tally } from "./tally";

export type ConsultDecision = Extract<Decision, { type: "consult" }>;
export type AdviceAnswer = Extract<Input, { type: "advice" }>["answer"];

export interface ScalingWebhookOptions {
  readonly region: string;
  /** Where a relative `ca_file` is looked for. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_REPLICAS = 100_000;

/** Agones' FleetAutoscaleReview, as its webhook policy answers. */
const reviewSchema = z.object({
  response: z.object({
    uid: z.string(),
    scale: z.boolean().default(false),
    replicas: z.int().min(0).max(MAX_REPLICAS).default(0),
  }),
});

/**
 * Asks scaling webhooks with Agones' FleetAutoscaleReview over HTTP, signed as event webhooks are where the rule names a
 * secret. Always answers, with a failure where there is no good answer in time; redirects are not followed.
 * Source: Agones, `applyWebhookPolicy` in `pkg/fleetautoscalers/fleetautoscalers.go`.
 */
export class ScalingWebhook implements Meter {
  private readonly agents = new Map<string, Agent>();
  private readonly open = new Set<AbortController>();
  private readonly calls = new Tally();
  private readonly failures = new Tally();

  constructor(private readonly options: ScalingWebhookOptions) {}

  async ask(decision: ConsultDecision): Promise<AdviceAnswer> {
    this.calls.add(decision.experienceId);
    const answer = await this.answerOf(decision);
    if ("failure" in answer) this.failures.add(decision.experienceId);
    return answer;
  }

  metrics(experiences: readonly string[]): readonly Metric[] {
    const counter = (name: string, help: string, tally: Tally): Metric => {
      return { name: `forge_scaling_webhook_${name}_total`, help, type: "counter", series: tally.series(experiences) };
    };
    return [
      counter("calls", "Calls of scaling webhooks", this.calls),
      counter("failures", "Calls of scaling webhooks without a good answer in time", this.failures),
    ];
  }

  private async answerOf({ experienceId, webhook, fleet }: ConsultDecision): Promise<AdviceAnswer> {
    const { region, clock } = this.options;
    const uid = randomUUID();
    const body = JSON.stringify({
      request: { uid, name: experienceId, namespace: region, status: fleet, labels: {}, annotations: {} },
    });
    const timeoutSecs = webhook.timeoutSecs ?? WEBHOOK_TIMEOUT_SECS;
    const controller = new AbortController();
    const cancel = clock.after(timeoutSecs * 1000, () =>
      controller.abort(new Error(`no answer within ${String(timeoutSecs)} s`)),
    );
    this.open.add(controller);
    try {
      const headers = this.headers(webhook, body);
      const dispatcher = this.agentOf(webhook);
      const { signal } = controller;
      const answer = await request(webhook.url, { method: "POST", headers, body, signal, dispatcher });
      const text = await limited(answer.body, signal);
      if (answer.statusCode !== 200) return { failure: `answered ${String(answer.statusCode)}` };
      return read(text, uid);
    } catch (error) {
      const reason: unknown = controller.signal.aborted ? controller.signal.reason : error;
      return { failure: reason instanceof Error ? reason.message : String(reason) };
    } finally {
      cancel();
      this.open.delete(controller);
    }
  }

  async close(): Promise<void> {
    for (const controller of this.open) controller.abort(new Error("the controller is closing"));
    await Promise.all([...this.agents.values()].map((agent) => agent.close()));
  }

  private headers({ secretEnv }: WebhookRule, body: string): Record<string, string> {
    const headers = { "content-type": "application/json", "user-agent": "eustress-forge-scaling" };
    if (secretEnv === undefined) return headers;
    const secret = this.options.env[secretEnv] ?? "";
    if (secret === "") throw new Error(`the environment variable ${secretEnv}, which holds its secret, is not set`);
    const unix = Math.floor(this.options.clock.now() / 1000);
    const seal = createHmac("sha256", secret)
      .update(`${String(unix)}.${body}`)
      .digest("hex");
    return { ...headers, "forge-signature": `t=${String(unix)},v1=${seal}` };
  }

  private agentOf({ caFile = "" }: WebhookRule): Agent {
    let agent = this.agents.get(caFile);
    if (agent) return agent;
    const path = isAbsolute(caFile) ? caFile : join(this.options.folder, caFile);
    agent = new Agent({
      connections: 4,
      ...(caFile !== "" && { connect: { ca: readFileSync(path, "utf8") } }),
    });
    this.agents.set(caFile, agent);
    return agent;
  }
}

async function limited(body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    signal.throwIfAborted();
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer has more than ${String(MAX_ANSWER_BYTES)} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function read(text: string, uid: string): AdviceAnswer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { failure: "its answer is not JSON" };
  }
  const review = reviewSchema.safeParse(value);
  if (!review.success) return { failure: "its answer is no FleetAutoscaleReview with a response" };
  const { response } = review.data;
  // As in Agones: an answer to another question says nothing.
  if (response.uid !== uid) return { failure: "its answer has another uid than the request" };
  return { scale: response.scale, replicas: response.replicas };
}
