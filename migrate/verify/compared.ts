import type { RenderedFile } from "../emit/rendered-files";
import { type AllocationPorts, type Cluster, type RunningJob } from "./cluster";
import type { Finding } from "./finding";
import { allocationsOf } from "./started";
import { digest } from "./written";

/** Where the old cluster answers for a service, and what is asked. */
export interface SourceQuestion {
  readonly service: string;
  /** Without the path. */
  readonly url: string;
  readonly paths: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

const ANSWER_MS = 10_000;

/** Files of running tasks against the bytes of their ConfigMaps. */
export async function filesOf(
  job: RunningJob,
  rendered: readonly RenderedFile[],
  cluster: Cluster,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const files = rendered.filter((each) => each.job === job.file);
  for (const { ID } of files.length === 0 ? [] : await allocationsOf(job, cluster)) {
    for (const { task, path, sha256 } of files) {
      const bytes = await cluster.file(ID, `${task}/${path}`, job.namespace).catch((error: Error) => error);
      const problem =
        bytes instanceof Error
          ? `${path} of task ${task} cannot be read: ${bytes.message}`
          : digest(bytes) === sha256
            ? undefined
            : `${path} of task ${task} is not what its ConfigMap says`;
      if (problem !== undefined) findings.push({ file: `${job.file}.json`, problem });
    }
  }
  return findings;
}

/** Asks the old and the new for the same, and says where they answer differently. */
export async function answersOf(
  question: SourceQuestion,
  jobs: readonly RunningJob[],
  cluster: Cluster,
): Promise<readonly Finding[]> {
  const { service, url, paths } = question;
  const places = await placesOf(service, jobs, cluster);
  if (places.length === 0) return [{ file: "jobs", problem: `no running job has a service ${service} with a port` }];
  const findings: Finding[] = [];
  for (const path of paths) {
    const before = await asked(new URL(path, url));
    for (const { file, base } of places) {
      const problem = differenceIn(before, await asked(new URL(path, base)));
      if (problem !== undefined) findings.push({ file: `${file}.json`, problem: `${service} ${path}: ${problem}` });
    }
  }
  return findings;
}

async function placesOf(service: string, jobs: readonly RunningJob[], cluster: Cluster) {
  const places: { readonly file: string; readonly base: string }[] = [];
  for (const job of jobs) {
    const found = job.body.TaskGroups.flatMap(({ Services }) => Services ?? []).find(({ Name }) => Name === service);
    if (found === undefined) continue;
    for (const { ID } of await allocationsOf(job, cluster)) {
      const path = `/v1/allocation/${ID}?namespace=${encodeURIComponent(job.namespace)}`;
      const { AllocatedResources } = await cluster.call<AllocationPorts>("GET", path);
      const port = AllocatedResources?.Shared?.Ports?.find(({ Label }) => Label === found.PortLabel);
      if (port === undefined) continue;
      const host = port.HostIP.includes(":") ? `[${port.HostIP}]` : port.HostIP;
      places.push({ file: job.file, base: `http://${host}:${port.Value}` });
    }
  }
  return places;
}

async function asked(url: URL): Promise<Answer | string> {
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(ANSWER_MS) });
    const body = Buffer.from(await response.arrayBuffer());
    return { status: response.status, type: response.headers.get("content-type") ?? "", body };
  } catch (error) {
    const { message, cause } = error as Error;
    return `${url.origin} does not answer: ${cause instanceof Error ? cause.message : message}`;
  }
}

function differenceIn(before: Answer | string, now: Answer | string): string | undefined {
  if (typeof before === "string") return before;
  if (typeof now === "string") return now;
  if (before.status !== now.status) return `${now.status}, and ${before.status} before`;
  if (before.type !== now.type) return `content-type "${now.type}", and "${before.type}" before`;
  if (before.body.equals(now.body)) return undefined;
  return `another body: ${now.body.length} bytes, and ${before.body.length} before`;
}
