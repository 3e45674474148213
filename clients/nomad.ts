import type { z } from "zod";
import { HttpStatusError, type HttpCall, type HttpJson, type HttpMethod } from "./http-json";
import {
  allocationSchema,
  dispatchSchema,
  evaluationSchema,
  fileSchema,
  jobSchema,
  nodeSchema,
  type NomadAllocation,
  type NomadDispatch,
  type NomadEvaluation,
  type NomadFile,
  type NomadJob,
  type NomadNode,
} from "./nomad-answers";
import { linesOf, parseEventLine, type NomadEventBatch } from "./nomad-events";

export interface NomadDispatchRequest {
  readonly meta: Readonly<Record<string, string>>;
  /** A second dispatch with the same token answers with the first one's job. */
  readonly token: string;
  /** Becomes a part of the child's name: `PARENT/dispatch-PREFIX-TIME-RANDOM`. */
  readonly prefix: string;
}

export interface LogRead {
  readonly task: string;
  readonly type: "stdout" | "stderr";
  /** Bytes after the beginning of the oldest file that is still there. */
  readonly offset: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** A piece of a task's output, and the file that it is from. */
export interface LogPart {
  readonly file: string;
  readonly data: Buffer;
}

const PER_PAGE = 500;
/** A list may be long. */
const LIST_TIMEOUT_MS = 30_000;

/** Typed calls of Nomad's HTTP API in one namespace. Every method throws `HttpStatusError` and `HttpUnreachable`. */
export class NomadClient {
  constructor(
    private readonly http: HttpJson,
    readonly namespace: string,
  ) {}

  /** Jobs whose name begins so, with their meta. */
  jobs(prefix: string): Promise<NomadJob[]> {
    return this.list("/v1/jobs", jobSchema, { prefix, meta: true });
  }

  async job(id: string): Promise<NomadJob | undefined> {
    try {
      return await this.one("GET", `/v1/job/${encodeURIComponent(id)}`, jobSchema);
    } catch (error) {
      if (error instanceof HttpStatusError && error.status === 404) return undefined;
      throw error;
    }
  }

  dispatch(parent: string, { meta, token, prefix }: NomadDispatchRequest): Promise<NomadDispatch> {
    const body = { Meta: meta, IdempotencyToken: token, IdPrefixTemplate: prefix };
    return this.one("PUT", `/v1/job/${encodeURIComponent(parent)}/dispatch`, dispatchSchema, { body });
  }

  /** Stops a job; with `purge` it and its allocations are forgotten too. One that is not there is no error. */
  async deregister(id: string, purge: boolean): Promise<void> {
    await this.http.answer("DELETE", `/v1/job/${encodeURIComponent(id)}`, this.call({ query: { purge } }));
  }

  /** Allocations of jobs whose name begins so, with their ports and task states. */
  allocations(jobPrefix: string): Promise<NomadAllocation[]> {
    const filter = `JobID matches ${JSON.stringify(`^${jobPrefix.replaceAll(/[^\w-]/g, "\\$&")}`)}`;
    return this.list("/v1/allocations", allocationSchema, { filter, resources: true, task_states: true });
  }

  async jobAllocations(jobId: string): Promise<NomadAllocation[]> {
    const stubs = await this.page(`/v1/job/${encodeURIComponent(jobId)}/allocations`, allocationSchema, {});
    // The stubs lack ports.
    return Promise.all(stubs.items.map(({ id }) => this.one("GET", `/v1/allocation/${id}`, allocationSchema)));
  }

  async jobEvaluations(jobId: string): Promise<NomadEvaluation[]> {
    return (await this.page(`/v1/job/${encodeURIComponent(jobId)}/evaluations`, evaluationSchema, {})).items;
  }

  /** Evaluations that wait for capacity. */
  blockedEvaluations(): Promise<NomadEvaluation[]> {
    return this.list("/v1/evaluations", evaluationSchema, { status: "blocked" });
  }

  nodes(): Promise<NomadNode[]> {
    return this.list("/v1/nodes", nodeSchema, {});
  }

  /** One node with its meta. */
  node(id: string): Promise<NomadNode> {
    return this.one("GET", `/v1/node/${id}`, nodeSchema);
  }

  /** Sends a signal to every task of an allocation, through its node. */
  async signal(allocationId: string, signal: string): Promise<void> {
    await this.http.answer(
      "PUT",
      `/v1/client/allocation/${allocationId}/signal`,
      this.call({ body: { Signal: signal } }),
    );
  }

  /** What lies in a folder of an allocation. */
  files(allocationId: string, path: string): Promise<NomadFile[]> {
    return this.page(`/v1/client/fs/ls/${allocationId}`, fileSchema, { path }).then(({ items }) => items);
  }

  /** A task's output from its node. With `follow` it goes on until `signal` aborts; a part without data is a heartbeat. */
  async *logs(allocationId: string, { task, type, offset, follow, signal }: LogRead): AsyncGenerator<LogPart> {
    const query = { task, type, offset, follow, origin: "start", namespace: this.namespace };
    const parts = await this.http.stream("GET", `/v1/client/fs/logs/${allocationId}`, { query, signal });
    for await (const text of objectsOf(parts)) {
      const { File = "", Data = "" } = JSON.parse(text) as { readonly File?: string; readonly Data?: string };
      yield { file: File, data: Buffer.from(Data, "base64") };
    }
  }

  /** Nomad's event stream from what its buffer still holds on; ends when Nomad ends it. Heartbeats come each 10 s. */
  async *events(topics: readonly string[], signal: AbortSignal): AsyncGenerator<NomadEventBatch> {
    const query = topics.map((topic) => `topic=${encodeURIComponent(`${topic}:*`)}`).join("&");
    const path = `/v1/event/stream?${query}&namespace=${encodeURIComponent(this.namespace)}`;
    for await (const line of linesOf(await this.http.stream("GET", path, { signal }))) yield parseEventLine(line);
  }

  private call(call: HttpCall): HttpCall {
    return { ...call, query: { namespace: this.namespace, ...call.query } };
  }

  private async one<Schema extends z.ZodType>(
    method: HttpMethod,
    path: string,
    schema: Schema,
    call: HttpCall = {},
  ): Promise<z.output<Schema>> {
    return schema.parse(await this.http.json(method, path, this.call(call)));
  }

  private async list<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    query: NonNullable<HttpCall["query"]>,
  ): Promise<z.output<Schema>[]> {
    const items: z.output<Schema>[] = [];
    let next: string | undefined;
    do {
      const page = await this.page(path, schema, { ...query, per_page: PER_PAGE, next_token: next });
      items.push(...page.items);
      next = page.next;
    } while (next !== undefined);
    return items;
  }

  private async page<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    query: NonNullable<HttpCall["query"]>,
  ): Promise<{ readonly items: z.output<Schema>[]; readonly next: string | undefined }> {
    const { text, headers } = await this.http.answer("GET", path, this.call({ query, timeoutMs: LIST_TIMEOUT_MS }));
    const next = headers["x-nomad-nexttoken"];
    const items = (JSON.parse(text) as unknown[] | null) ?? [];
    return {
      items: items.map((item) => schema.parse(item)),
      next: typeof next === "string" && next !== "" ? next : undefined,
    };
  }
}

/** JSON objects that come one behind the other, without lines between them. Only flat ones: that is what Nomad sends here. */
async function* objectsOf(parts: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const part of parts) {
    // Data is base64 and names are Nomad's own, so no character is cut.
    rest += Buffer.from(part).toString("latin1");
    for (let end = rest.indexOf("}"); end >= 0; end = rest.indexOf("}")) {
      yield rest.slice(0, end + 1);
      rest = rest.slice(end + 1);
    }
  }
}
