import { request as httpRequest } from "../../clients/undici.cjs";
import type { Actor, ApiBackend } from "../api/backend";
import type { CoreProblem } from "../core/decision";
import { allocationAnswer, LOCAL_SOURCE } from "./allocation-answer";
import { allocationSpecSchema, specProblems, type AllocationAsk } from "./allocation-spec";
import type { AllocationResponse } from "./allocation-wire";
import { GrpcError, type GrpcCode } from "./grpc-status";
import type { ReadRequest } from "./request-cache";

/** Namespace that stands for the region itself, as Agones' examples name it; an empty one does too. */
export const OWN_NAMESPACE = "default";
/** The label by which a multi-cluster policy selector may name regions. */
const REGION_LABEL = "forge.dev/region";
/** How long another region may take, in milliseconds: Agones' default for a remote cluster. */
const REMOTE_MS = 10_000;
export const SPEC_PATH = "/v1/gameserverallocations";

export interface AllocatorDeps {
  readonly backend: ApiBackend;
  /** A token that may allocate in the run's other regions, and at this region's leader. */
  readonly token: () => string;
}

/**
 * One allocation, wherever it is served. A namespace is a region: `default` this one, otherwise the name of one. In any
 * other there is nothing to allocate, as in Agones. With multi-cluster on, other regions are tried where this one has
 * nothing.
 * @throws {GrpcError}
 */
export async function allocate(
  deps: AllocatorDeps,
  namespace: string,
  spec: unknown,
  actor: Actor,
): Promise<AllocationResponse> {
  return allocateRead(deps, { namespace, spec, ask: parseSpec(spec) }, actor);
}

/**
 * The same of a request that was read before.
 * @throws {GrpcError}
 */
export async function allocateRead(
  { backend, token }: AllocatorDeps,
  { namespace, spec, ask }: ReadRequest,
  actor: Actor,
): Promise<AllocationResponse> {
  const regions = regionsFor(backend, namespace, ask);
  let last: GrpcError | undefined;
  for (const region of regions) {
    try {
      const remote = remoteUrl(backend, region);
      return remote === undefined
        ? await allocateHere(backend, ask, actor)
        : await allocateThere(remote, region, spec, token());
    } catch (error) {
      if (!(error instanceof GrpcError) || error.code === "INVALID_ARGUMENT") throw error;
      last = error;
    }
  }
  throw last ?? unallocated();
}

/** @throws {GrpcError} that names every place that is wrong */
export function parseSpec(spec: unknown): AllocationAsk {
  const parsed = allocationSpecSchema.safeParse(spec ?? {});
  if (!parsed.success) throw new GrpcError("INVALID_ARGUMENT", specProblems(parsed.error));
  return parsed.data;
}

function regionsFor(backend: ApiBackend, namespace: string, { multiCluster }: AllocationAsk): readonly string[] {
  const names = backend.regions().map(({ name }) => name);
  const first = namespace === "" || namespace === OWN_NAMESPACE ? backend.region : namespace;
  if (!multiCluster.enabled) return names.includes(first) ? [first] : [];
  const wanted = multiCluster.labels[REGION_LABEL];
  return [first, ...names.filter((name) => name !== first)].filter(
    (name) => names.includes(name) && (wanted === undefined || wanted === name),
  );
}

/** Undefined where this controller answers itself. */
function remoteUrl(backend: ApiBackend, region: string): string | undefined {
  if (region === backend.region) {
    const { leader, leaderUrl } = backend.status();
    return leader ? undefined : leaderUrl;
  }
  const url = backend.regions().find(({ name }) => name === region)?.url;
  if (url === undefined) throw new GrpcError("UNAVAILABLE", `region ${region} is not up`);
  return url;
}

async function allocateHere(
  backend: ApiBackend,
  { request }: AllocationAsk,
  actor: Actor,
): Promise<AllocationResponse> {
  const result = await backend.command({ type: "allocateServer", request }, actor);
  if (!result.ok) throw coreError(result.problem);
  return allocationAnswer(result.value, LOCAL_SOURCE);
}

/** By what the core says; the words for "none left" are Agones'. */
const CORE_CODES: Readonly<Partial<Record<string, GrpcCode>>> = {
  noCapacity: "RESOURCE_EXHAUSTED",
  conflict: "ABORTED",
  invalid: "INVALID_ARGUMENT",
  bodyInvalid: "INVALID_ARGUMENT",
};

function coreError({ code, detail }: Pick<CoreProblem, "detail"> & { readonly code: string }): GrpcError {
  return new GrpcError(CORE_CODES[code] ?? "UNAVAILABLE", detail);
}

function unallocated(): GrpcError {
  return new GrpcError("RESOURCE_EXHAUSTED", "there is no available GameServer to allocate");
}

async function allocateThere(url: string, region: string, spec: unknown, token: string): Promise<AllocationResponse> {
  const { statusCode, body } = await httpRequest(`${url}${SPEC_PATH}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ region, spec }),
    headersTimeout: REMOTE_MS,
    bodyTimeout: REMOTE_MS,
  }).catch((error: unknown) => {
    const { code, message } = error as { readonly code?: string; readonly message?: string };
    throw new GrpcError("UNAVAILABLE", `region ${region} does not answer: ${code ?? message ?? "no reason given"}`);
  });
  const answer = (await body.json().catch(() => ({}))) as { readonly code?: string; readonly detail?: string };
  if (statusCode === 200) return { ...(answer as unknown as AllocationResponse), source: url };
  throw coreError({
    code: answer.code ?? "unavailable",
    detail: answer.detail ?? `region ${region} answered ${String(statusCode)}`,
  });
}
