import { CELL_STEPS } from "./fault";
import type { SimCase } from "./run";

/** A case that has once broken a promise; the suite runs it each time, and it stays mended. */
export interface CorpusCase extends SimCase {
  /** What was wrong, as docs/track-record.md tells it. */
  readonly found: string;
}

/** Found in the world as it was at first. */
const PLAIN: readonly CorpusCase[] = [
  { seed: 0, steps: 500, only: [4], found: "a standby that came to lead did not know what was only ordered" },
  { seed: 195, steps: 500, only: [5], found: "a server that a leader of the past ordered was nobody's" },
  { seed: 300, steps: 125, only: [0, 1], found: "an epoch that a full disk refused was never asked for again" },
  { seed: 296, steps: 500, only: [0, 1, 3, 6, 7], found: "a standby's wrong guess gave a told seat back" },
  { seed: 203, steps: 62, only: [0], found: "a list that an event had overtaken ended a server that was starting" },
  {
    seed: 21388,
    steps: 500,
    only: [0, 2, 3, 4, 5],
    found: "a party's queue ticket answered every member as its first",
  },
  {
    seed: 30116,
    steps: 500,
    only: [0, 2, 6],
    found: "a session that had ended unheard of took the seat that its player was given since",
  },
  {
    seed: 31989,
    steps: 500,
    found: "a node that came back with its past took the seat that its player was given since",
  },
  {
    seed: 30422,
    steps: 500,
    only: [0, 2, 4, 5],
    found: "a server that a match had been moved off stayed claimed for it",
  },
  {
    seed: 30967,
    steps: 500,
    only: [2, 3, 4, 5, 6, 8],
    found: "whoever was moved to a server that closed before a new leader came never got its ticket",
  },
  {
    seed: 40138,
    steps: 500,
    only: [0, 1, 2, 5],
    found: "a server that had become ready unheard of was stopped without a close, with the next leader's player on it",
  },
  {
    seed: 904,
    steps: 500,
    only: [0, 1, 3, 4, 5],
    found:
      "a machine that had lost its power, and its last record with it, was held to an epoch that it no longer knew",
  },
  {
    seed: 1608,
    steps: 250,
    only: [5],
    found: "a grant that was journaled in one write with its server's end was taken for one that is not in the journal",
  },
  {
    seed: 1426,
    steps: 250,
    only: [1, 2],
    found: "a leader that led again gave back the seat that another had given meanwhile to whoever waited on",
  },
  {
    seed: 1577,
    steps: 500,
    only: [1, 2],
    found: "an agent lied that it was full; the seat that it gave outweighed the one that the player was told of",
  },
];

/** Cases hold for the world as it is: where it is changed a seed may come to another run, and stays as one more. */
export const CORPUS: readonly CorpusCase[] = [
  ...PLAIN.map((of) => ({ ...of, plain: true })),
  { seed: 49, steps: 500, only: [], found: "a rollout to a version whose servers were all up already never ended" },
  {
    seed: 30,
    steps: 7880,
    found: "players of one match who came apart waited with one queue ticket, and all were answered as the first",
  },
  {
    seed: 360,
    steps: 125,
    only: [0, 1, 2],
    found: "a leader of the past brought a drain that no agent had taken from it back when it led again",
  },
  {
    seed: 37,
    steps: 500,
    found:
      "a new leader took the servers that the one before it had stopped for failures, and rolled their version back",
  },
  {
    seed: 324,
    steps: 250,
    only: [0],
    found: "a standby that had missed the engine's word of a server never heard of the seats on it",
  },
  {
    seed: 430,
    steps: 500,
    only: [3],
    found: "a leader of the past, awake again, called a session ended that its successor had moved to another region",
  },
  {
    seed: 1365,
    steps: 500,
    found: "a leader that stepped down before it heard what it had been given did not know of it as a standby",
  },
  {
    seed: 60103,
    steps: 500,
    only: [0, 1, 2, 4, 5, 6, 7],
    found: "a leader that fell while it moved players kept them for good, on a server that another had settled",
  },
  {
    seed: 70197,
    steps: 500,
    only: [0, 1, 3, 4],
    found: "of two sessions that two leaders had given one player, the list of sessions had only the newer",
  },
  {
    seed: 8606,
    steps: 500,
    only: [1, 5],
    found: "a rollout started a server each time that scaling had taken the one before, while an old one was played on",
  },
  {
    seed: 5,
    steps: 10_000,
    found: "the labels of a match were told to another region as what they came to be, not as what they were",
  },
  {
    seed: 28,
    steps: CELL_STEPS,
    cells: true,
    found: "players whom another had seated on a server that this leader had given up kept seats on it once it ended",
  },
  {
    seed: 104,
    steps: CELL_STEPS,
    cells: true,
    found: "a seat that an agent had lost and was asked for again had ended for good as a standby knew it",
  },
  {
    seed: 195,
    steps: CELL_STEPS,
    cells: true,
    found: "whoever was moved by two leaders with one generation to two servers never went to the second",
  },
  {
    seed: 187,
    steps: 10_600,
    cells: true,
    found: "of the world itself: it did not rest for as long as a move may look for a place at an experience's maximum",
  },
  {
    seed: 906,
    steps: 11_500,
    cells: true,
    found: "of the check itself: a server that was stopped since it had last looked counted as one that could serve",
  },
];
