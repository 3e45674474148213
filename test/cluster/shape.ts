/** What Forge reads of Nomad (`clients/nomad-answers.ts`), and what its stream wraps it in. All else is cut from recordings. */
const KEPT = new Set(
  `Topic Type Index Payload Job Allocation Evaluation Node
   ID JobID NodeID ParentID Name Address Status StatusDescription Stop Meta SubmitTime CreateIndex ModifyIndex JobModifyIndex ModifyTime
   DesiredStatus ClientStatus ClientDescription TaskStates State Failed StartedAt FinishedAt Events Time DisplayMessage DriverError Details
   AllocatedResources Shared Ports Label Value HostIP Tasks TaskGroups Driver Leader KillTimeout ParameterizedJob MetaRequired MetaOptional
   BlockedEval FailedTGAllocs NodesEvaluated NodesFiltered NodesExhausted NodesInPool NodePool NodesAvailable ConstraintFiltered
   DimensionExhausted QuotaExhausted DispatchedJobID EvalID`
    .split(/\s+/)
    .filter((key) => key !== ""),
);
/** Below these, keys are data: names of tasks, groups, ports, resources. */
const MAPS = new Set([
  "Meta",
  "TaskStates",
  "Details",
  "Tasks",
  "FailedTGAllocs",
  "NodesAvailable",
  "ConstraintFiltered",
  "DimensionExhausted",
]);

/** The same without what Forge does not read. Keys in lower case are ours, above what Nomad said. */
export function cutDown(value: unknown, isMap = false): unknown {
  if (Array.isArray(value)) return value.map((item) => cutDown(item));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => isMap || KEPT.has(key) || /^[a-z]/.test(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, cutDown(inner, MAPS.has(key))]));
}

type Shape = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * What a recording has and the real thing does not: a key that is gone, or of a type that it never has now. Names that are
 * data, and which of several events came, may differ; so shapes are compared, gathered over all of a kind.
 */
export function missingIn(real: unknown, recorded: unknown): string[] {
  const now = shapeOf(real);
  return [...shapeOf(recorded)].flatMap(([path, types]) =>
    [...types].filter((type) => now.get(path)?.has(type) !== true).map((type) => `${path}: ${type}`),
  );
}

function shapeOf(value: unknown, path = "", into = new Map<string, Set<string>>()): Shape {
  const type = value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
  // Nothing and an empty one are the same to Go.
  if (type !== "null") into.set(path, (into.get(path) ?? new Set()).add(type));
  if (Array.isArray(value)) for (const item of value) shapeOf(item, `${path}[]`, into);
  else if (type === "object") {
    const isMap = MAPS.has(path.split(".").at(-1) ?? "");
    for (const [key, inner] of Object.entries(value as object)) shapeOf(inner, `${path}.${isMap ? "*" : key}`, into);
  }
  return into;
}
