/** What of Nomad's API verification asks, with the shapes of its answers as far as they are read. */
export interface Cluster {
  /** @throws {Error} where the answer is no 2xx; `status` of it says which, where there was one */
  call<T>(method: "GET" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T>;
  /** A file of an allocation. */
  file(allocation: string, path: string, namespace: string): Promise<Uint8Array>;
}

export interface RunningJob {
  /** `jobs/NAME`. */
  readonly file: string;
  readonly id: string;
  readonly namespace: string;
  readonly type: string;
  readonly body: RunningBody;
}

/** The job's JSON as it is sent, and what is read of it. */
export interface RunningBody {
  readonly ID: string;
  readonly Namespace?: string;
  readonly Type: string;
  readonly Periodic?: object | null;
  readonly TaskGroups: readonly {
    readonly Count?: number | null;
    readonly Services?: readonly { readonly Name: string; readonly PortLabel?: string }[] | null;
  }[];
}

export interface AllocationStub {
  readonly ID: string;
  readonly ClientStatus: string;
  readonly DesiredStatus: string;
  readonly TaskStates: Readonly<
    Record<string, { readonly Events?: readonly { readonly DisplayMessage: string }[] | null }>
  > | null;
}

export interface Deployment {
  readonly Status: string;
  readonly StatusDescription: string;
}

export interface Evaluation {
  readonly FailedTGAllocs?: Readonly<
    Record<
      string,
      {
        readonly NodesEvaluated: number;
        readonly ConstraintFiltered?: Readonly<Record<string, number>> | null;
        readonly DimensionExhausted?: Readonly<Record<string, number>> | null;
      }
    >
  > | null;
}

export interface AllocationPorts {
  readonly AllocatedResources?: {
    readonly Shared?: {
      readonly Ports?: readonly { readonly Label: string; readonly Value: number; readonly HostIP: string }[] | null;
    } | null;
  } | null;
}

/** A job's own path in the API, with its namespace. */
export function jobPath({ id, namespace }: Pick<RunningJob, "id" | "namespace">, more = ""): string {
  return `/v1/job/${encodeURIComponent(id)}${more}?namespace=${encodeURIComponent(namespace)}`;
}
