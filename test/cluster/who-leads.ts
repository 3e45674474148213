import type { z } from "zod";
import { allocationSchema } from "../../clients/nomad-answers";
import { isProgramJob, leaderKey } from "../../config/region-names";
import type { RegionClients } from "../../infra/local/region-clients";

interface Stub {
  readonly ID: string;
  readonly JobID: string;
  readonly Namespace: string;
}

const LAST_EVENTS = 4;

/**
 * Everything that decides whether a controller of the region leads, a line each, for a message that explains itself:
 * Nomad's nodes, every allocation of controllers and agents with where it listens and what became of its task, who has the
 * lock, and what the API answers. What does not answer says so in its line.
 *
 * @param url of the API, where it is looked for
 */
export async function whoLeads({ nomad, consul }: RegionClients, region: string, url: string): Promise<string> {
  const nodes = async (): Promise<string> => {
    const found = await nomad.json<readonly { readonly Name: string; readonly Status: string }[]>("GET", "/v1/nodes");
    return found.map(({ Name, Status }) => `${Name} ${Status}`).join(", ");
  };
  const lock = async (): Promise<string> => {
    const found = await consul.json<readonly { readonly Session?: string; readonly Value: string | null }[]>(
      "GET",
      `/v1/kv/${leaderKey(region)}`,
    );
    const [{ Session, Value } = { Value: "" }] = found;
    return `${Session === undefined ? "nobody's now, last" : `session ${Session} of`} ${decoded(Value)}`;
  };
  const ready = async (): Promise<string> => {
    const answer = await fetch(`${url}/ready`);
    return `${String(answer.status)} ${await answer.text()}`;
  };
  const lines = await Promise.all([
    line("nodes", nodes),
    line("programs", () => programs(nomad, region)),
    line("lock", lock),
    line(`${url}/ready`, ready),
  ]);
  return lines.join("\n");
}

async function line(what: string, ask: () => Promise<string>): Promise<string> {
  return `${what}: ${await ask().catch((error: unknown) => `no answer (${reason(error)})`)}`;
}

async function programs(nomad: RegionClients["nomad"], region: string): Promise<string> {
  const stubs = await nomad.json<readonly Stub[]>("GET", "/v1/allocations", { query: { namespace: "*" } });
  const own = stubs.filter(({ JobID }) =>
    (["controller", "agent"] as const).some((program) => isProgramJob(JobID, region, program)),
  );
  const full = await Promise.all(
    own.map(async ({ ID, Namespace }) =>
      allocationSchema.parse(await nomad.json("GET", `/v1/allocation/${ID}`, { query: { namespace: Namespace } })),
    ),
  );
  return full
    .sort((a, b) => a.createIndex - b.createIndex)
    .map((allocation) => `\n  ${allocationLine(allocation)}`)
    .join("");
}

function allocationLine({ id, jobId, desired, client, ports, tasks }: z.output<typeof allocationSchema>): string {
  const at = ports.map(({ label, hostIp, value }) => `${label} ${hostIp}:${String(value)}`);
  const states = Object.values(tasks).flatMap(({ state, events }) => [
    state,
    ...events.slice(-LAST_EVENTS).map(({ type, message }) => `${type} (${message})`),
  ]);
  return [`${jobId} ${id}: wanted ${desired}, is ${client}`, ...at, ...states].join("; ");
}

function decoded(value: string | null): string {
  return Buffer.from(value ?? "", "base64").toString("utf8");
}

/** `fetch` says only that it failed; why is in its cause. */
function reason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
