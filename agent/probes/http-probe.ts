import { Client } from "../../clients/undici.cjs";
import type { Clock } from "../../protocol/clock";
import type { Finding } from "../finding";
import type { Look } from "./health-judge";
import { MetricsReading } from "./metrics-reading";
import type { Probe } from "./probe-loop";

export interface HttpCheck {
  readonly port: number;
  /** Answers 2xx when all is well. */
  readonly path: string;
  /** Prometheus text, read after each good answer. */
  readonly metricsPath: string | undefined;
  /** For a connection; the look as a whole is ended by its signal. */
  readonly timeoutMs: number;
}

const MAX_HEALTH_BYTES = 64 * 1024;
const MAX_METRICS_BYTES = 1024 * 1024;

/**
 * Asks a path for 2xx, each time over a new connection: a server that cannot accept any is not well. Nothing is kept from
 * one look to the next. Redirects are not followed, for they could lead anywhere.
 */
export class HttpProbe implements Probe {
  readonly #metrics: MetricsReading;

  constructor(
    private readonly check: HttpCheck,
    clock: Clock,
  ) {
    this.#metrics = new MetricsReading(clock);
  }

  async look(host: string, signal: AbortSignal): Promise<Look> {
    const { path, metricsPath, port, timeoutMs } = this.check;
    const authority = host.includes(":") ? `[${host}]` : host;
    const client = new Client(`http://${authority}:${port}`, { pipelining: 0, connectTimeout: timeoutMs });
    try {
      const { status } = await get(client, path, MAX_HEALTH_BYTES, signal);
      if (status < 200 || status > 299) return { ok: false, reason: `GET ${path} was answered with ${status}` };
      return {
        ok: true,
        findings: metricsPath === undefined ? [] : await this.#readMetrics(client, metricsPath, signal),
      };
    } finally {
      await client.destroy();
    }
  }

  async close(): Promise<void> {
    // Nothing is kept between looks.
  }

  /** Statistics that cannot be had are no illness. */
  async #readMetrics(client: Client, path: string, signal: AbortSignal): Promise<readonly Finding[]> {
    const answer = await get(client, path, MAX_METRICS_BYTES, signal).catch(() => undefined);
    if (answer?.status !== 200) return [];
    const { responseMs, errorRate } = this.#metrics.read(answer.text);
    return responseMs === undefined && errorRate === undefined ? [] : [{ kind: "metrics", responseMs, errorRate }];
  }
}

/** Reads at most `maxBytes` of the answer; what comes after is cut off. */
async function get(
  client: Client,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await client.request({ path, method: "GET", signal, headersTimeout: 0, bodyTimeout: 0 });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) break;
  }
  return { status: statusCode, text: Buffer.concat(chunks).toString("utf8", 0, maxBytes) };
}
