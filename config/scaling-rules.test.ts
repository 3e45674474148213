import { ARENA, expectOnly, problemsOf, type Broken } from "./broken-file";

const COUNTED = `${ARENA}counters = { rooms = { count = 0, capacity = 10 } }\nlists = { maps = { capacity = 10 } }\n`;
const chain = (...entries: readonly string[]): string =>
  `${COUNTED}[experiences.arena.scaling]\nchain = [\n${entries.map((entry) => `  ${entry},\n`).join("")}]\n`;
/** Where the first entry of `chain` stands. */
const LINE = 9;
const at = "experiences.arena.scaling";

const BROKEN: readonly Broken[] = [
  {
    name: "a chain on a counter that the experience lacks",
    file: chain('{ counter = { key = "players", buffer_size = 5 } }'),
    path: `${at}.chain[0].counter.key`,
    problem: /no counter of this experience/,
    fix: /add it to counters/,
    line: LINE,
  },
  {
    name: "a chain on a list with a slip of the pen, in its second entry",
    file: chain("{ buffer = { buffer_size = 1 } }", '{ list = { key = "map", buffer_size = 5 } }'),
    path: `${at}.chain[1].list.key`,
    problem: /no list of this experience/,
    fix: /^did you mean maps\?$/,
    line: LINE + 1,
  },
  {
    name: "a counter's name where a list is asked for",
    file: chain('{ list = { key = "rooms", buffer_size = 5 } }'),
    path: `${at}.chain[0].list.key`,
    problem: /no list of this experience/,
    fix: /add it to lists/,
    line: LINE,
  },
  ...(
    [
      [
        "buffer",
        "min_replicas",
        "max_replicas",
        "{ buffer = { buffer_size = 1, min_replicas = 4, max_replicas = 3 } }",
      ],
      [
        "counter",
        "min_capacity",
        "max_capacity",
        '{ counter = { key = "rooms", buffer_size = 1, min_capacity = 4, max_capacity = 3 } }',
      ],
      [
        "list",
        "min_capacity",
        "max_capacity",
        '{ list = { key = "maps", buffer_size = 1, min_capacity = 4, max_capacity = 3 } }',
      ],
    ] as const
  ).map(([kind, low, high, entry]) => ({
    name: `${high} of a ${kind} below ${low}`,
    file: chain(entry),
    path: `${at}.chain[0].${kind}.${high}`,
    problem: new RegExp(`is below ${low}, 4`),
    fix: /write at least 4/,
    line: LINE,
  })),
  ...["2026-12-24T18:00:00Z", "2026-12-24T19:00:00+01:00"].map((end) => ({
    name: `a schedule that ends with ${end}, as soon as it begins`,
    file: chain(
      `{ buffer = { buffer_size = 1 }, schedule = { between = { start = "2026-12-24T18:00:00Z", end = "${end}" } } }`,
    ),
    path: `${at}.chain[0].schedule.between.end`,
    problem: /not after start/,
    fix: /a later time/,
    line: LINE,
  })),
  ...(
    [
      ["0 0 30 2 *", /never comes/, /days that its months have/],
      ["0 18 31 4,6,9,11 *", /never comes/, /L for the last of each/],
      ["0 18 * *", /not a cron expression/, /minute, hour, day, month and weekday/],
    ] as const
  ).map(([cron, problem, fix]) => ({
    name: `a schedule at ${cron}`,
    file: chain(`{ buffer = { buffer_size = 1 }, schedule = { active_period = { start_cron = "${cron}" } } }`),
    path: `${at}.chain[0].schedule.active_period.start_cron`,
    problem,
    fix,
    line: LINE,
  })),
  {
    name: "players of a match moved to free nodes",
    file: `${ARENA}seats = "match"\n[experiences.arena.scaling]\ndefragment = "wait"\n`,
    path: `${at}.defragment`,
    problem: /not for matches that take a whole server/,
    fix: /remove it/,
    line: 7,
  },
  {
    name: "the same of Agones' servers, whose seats are matches unless set",
    file: `${ARENA}sdk = "agones"\n[experiences.arena.scaling]\ndefragment = "move"\n`,
    path: `${at}.defragment`,
    problem: /not for matches/,
    fix: /remove it/,
    line: 7,
  },
  {
    name: "players moved whom nobody knows by name",
    file: `${ARENA}sdk = "none"\nhealth = { query = "quake3" }\n[experiences.arena.scaling]\ndefragment = "move"\n`,
    path: `${at}.defragment`,
    problem: /needs a server that says who is on it/,
    fix: /write "wait"/,
    line: 8,
  },
  {
    name: "a world moved to free nodes",
    file: `${ARENA}kind = "world"\n[experiences.arena.scaling]\ndefragment = "move"\n`,
    path: `${at}.defragment`,
    problem: /a world, which is one server/,
    fix: /remove it/,
    line: 7,
  },
  {
    name: "a region's minimum above the experience's maximum",
    file: `[[regions]]\nname = "us-east"\n${ARENA}[experiences.arena.scaling]\nmax_servers = 3\nregions.us-east.min_servers = 4\n`,
    path: `${at}.regions.us-east.min_servers`,
    problem: /above max_servers, 3/,
    fix: /at most 3, or raise the maximum/,
    line: 9,
  },
  {
    name: "a region's minimum above its own maximum",
    file: `[[regions]]\nname = "us-east"\n${ARENA}[experiences.arena.scaling]\nmax_servers = 9\nregions.us-east = { min_servers = 4, max_servers = 2 }\n`,
    path: `${at}.regions.us-east.min_servers`,
    problem: /above max_servers, 2/,
    fix: /at most 2/,
    line: 9,
  },
  {
    name: "a region's maximum below the experience's minimum",
    file: `[[regions]]\nname = "us-east"\n${ARENA}[experiences.arena.scaling]\nmin_servers = 5\nregions.us-east.max_servers = 2\n`,
    path: `${at}.regions.us-east.max_servers`,
    problem: /below min_servers of the experience, 5/,
    fix: /at least 5, or give the region a min_servers of its own, at most 2/,
    line: 9,
  },
  {
    name: "two servers of a world in one region",
    file: `[[regions]]\nname = "us-east"\n${ARENA}kind = "world"\n[experiences.arena.scaling]\nregions.us-east.max_servers = 2\n`,
    path: `${at}.regions.us-east`,
    problem: /one server a region/,
    fix: /write 1/,
    line: 9,
  },
];

it.each(BROKEN)("$name", expectOnly);

it.each([
  [
    "a chain of all kinds, its bounds just so",
    chain(
      "{ buffer = { buffer_size = 1, min_replicas = 3, max_replicas = 3 } }",
      '{ counter = { key = "rooms", buffer_size = "10%", min_capacity = 4, max_capacity = 4 } }',
      '{ list = { key = "maps", buffer_size = 1 }, schedule = { between = { start = "2026-12-24T18:00:00Z", end = "2026-12-24T18:00:01Z" } } }',
      '{ buffer = { buffer_size = 1 }, schedule = { active_period = { start_cron = "5/15 0 29 FEB *" } } }',
      '{ webhook = { url = "http://forecast.example.com/scale" } }',
    ),
  ],
  ["players moved who are known", `${ARENA}[experiences.arena.scaling]\ndefragment = "move"\n`],
  [
    "only empty servers waited for",
    `${ARENA}sdk = "none"\nhealth = { query = "quake3" }\n[experiences.arena.scaling]\ndefragment = "wait"\n`,
  ],
  [
    "a region's bounds within the experience's",
    `[[regions]]\nname = "us-east"\n${ARENA}[experiences.arena.scaling]\nmax_servers = 9\nregions.us-east = { min_servers = 9 }\n`,
  ],
  [
    "a region with a minimum and a maximum of its own, both below the experience's",
    `[[regions]]\nname = "us-east"\n${ARENA}[experiences.arena.scaling]\nmin_servers = 5\nregions.us-east = { min_servers = 0, max_servers = 2 }\n`,
  ],
  [
    "a region's maximum below what [scaling] wants at least, which gives way",
    `[scaling]\nmin_servers_per_region = 5\n[[regions]]\nname = "us-east"\n${ARENA}scaling.regions.us-east.max_servers = 2\n`,
  ],
])("takes %s", (_, file) => {
  expect(problemsOf(file)).toEqual([]);
});
