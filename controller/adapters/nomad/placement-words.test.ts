import { evaluationSchema } from "../../../clients/nomad-answers";
import { placementProblem } from "./placement-words";

const evaluation = (placement: object) =>
  evaluationSchema.parse({ ID: "e", Status: "blocked", FailedTGAllocs: { primary: placement } });

test.each([
  [
    {
      NodesEvaluated: 3,
      NodesFiltered: 1,
      NodesExhausted: 2,
      ConstraintFiltered: { "missing drivers": 1 },
      DimensionExhausted: { memory: 1, cpu: 1 },
    },
    {
      code: "noCapacity",
      final: false,
      reason: "no place on 3 nodes: 1 node without its driver; 1 node short of memory; 1 node short of cpu",
    },
  ],
  [
    { NodesEvaluated: 2, NodesExhausted: 2, DimensionExhausted: { "network: reserved port collision game=30000": 2 } },
    { code: "portTaken", final: false, reason: "no place on 2 nodes: port game=30000 is taken on 2 nodes" },
  ],
  [
    { NodesEvaluated: 2, NodesFiltered: 2, ConstraintFiltered: { "missing compatible host volumes": 2 } },
    {
      code: "volumeBusy",
      final: false,
      reason: 'no place on 2 nodes: 2 nodes ruled out by "missing compatible host volumes"',
    },
  ],
  [
    { NodesEvaluated: 1, NodesFiltered: 1, ConstraintFiltered: { "${attr.kernel.name} = windows": 1 } },
    {
      code: "startFailed",
      final: true,
      reason: 'no place on 1 node: 1 node ruled out by "${attr.kernel.name} = windows"',
    },
  ],
  [
    { NodesEvaluated: 0, NodesInPool: 0, NodesAvailable: null, NodePool: "games" },
    {
      code: "noCapacity",
      final: false,
      reason: 'no node is ready for it: none in its datacenters and node pool "games"',
    },
  ],
  [
    { NodesEvaluated: 1, NodesExhausted: 1, QuotaExhausted: ["memory (1000 needed > 500 limit)"] },
    { code: "noCapacity", final: false, reason: "no place on 1 node: quota used up: memory (1000 needed > 500 limit)" },
  ],
])("says in words why there is no place: %j", (placement, problem) => {
  expect(placementProblem(evaluation(placement))).toEqual(problem);
});

test("has nothing to say of an evaluation that found a place", () => {
  expect(
    placementProblem(evaluationSchema.parse({ ID: "e", Status: "complete", FailedTGAllocs: null })),
  ).toBeUndefined();
});
