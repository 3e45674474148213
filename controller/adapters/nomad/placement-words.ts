import type { NomadEvaluation, NomadPlacement } from "../../../clients/nomad-answers";
import type { EngineErrorCode } from "../../engine";

export interface PlacementProblem {
  readonly code: EngineErrorCode;
  /** For people: what is short on how many nodes, or what they all lack. */
  readonly reason: string;
  /** No waiting helps as long as the nodes are what they are. */
  readonly final: boolean;
}

const MISSING_DRIVERS = "missing drivers";
/** A volume that another server holds is told like one that is not there, so waiting may help. */
const VOLUMES = /volume/i;
const PORT_COLLISION = /^network: (?:reserved port collision|port collision) ?(.*)$/;

/** What an evaluation says of why a server has no place; undefined where it found one. */
export function placementProblem({ failures }: NomadEvaluation): PlacementProblem | undefined {
  const [first] = failures;
  return first === undefined ? undefined : inWords(first);
}

function inWords(placement: NomadPlacement): PlacementProblem {
  const { evaluated, filtered, exhausted, pool } = placement;
  const nodes = nodeCount(evaluated);
  const reasons = [...filterReasons(placement), ...exhaustedReasons(placement)];
  if (evaluated === 0) {
    const reason = `no node is ready for it: none in its datacenters and node pool "${pool}"`;
    return { code: "noCapacity", reason, final: false };
  }
  const what = reasons.length === 0 ? "no reason told" : reasons.join("; ");
  const reason = `no place on ${nodes}: ${what}`;
  if (exhausted > 0 || filtered < evaluated) return { code: codeOfShortage(placement), reason, final: false };
  const filters = Object.keys(placement.filteredBy);
  if (filters.some((filter) => VOLUMES.test(filter))) return { code: "volumeBusy", reason, final: false };
  const code = filters.includes(MISSING_DRIVERS) ? "driverUnsupported" : "startFailed";
  return { code, reason, final: true };
}

function codeOfShortage({ exhaustedBy }: NomadPlacement): EngineErrorCode {
  const dimensions = Object.keys(exhaustedBy);
  return dimensions.length > 0 && dimensions.every((dimension) => PORT_COLLISION.test(dimension))
    ? "portTaken"
    : "noCapacity";
}

function filterReasons({ filteredBy }: NomadPlacement): string[] {
  return Object.entries(filteredBy).map(([filter, count]) =>
    filter === MISSING_DRIVERS
      ? `${nodeCount(count)} without its driver`
      : `${nodeCount(count)} ruled out by "${filter}"`,
  );
}

function exhaustedReasons({ exhaustedBy, quotas }: NomadPlacement): string[] {
  const dimensions = Object.entries(exhaustedBy).map(([dimension, count]) => {
    const port = PORT_COLLISION.exec(dimension);
    return port === null
      ? `${nodeCount(count)} short of ${dimension.replace(/^network: /, "")}`
      : `port ${port[1] ?? ""} is taken on ${nodeCount(count)}`;
  });
  return [...dimensions, ...quotas.map((quota) => `quota used up: ${quota}`)];
}

function nodeCount(count: number): string {
  return count === 1 ? "1 node" : `${String(count)} nodes`;
}
