import fc from "fast-check";
import { VirtualClock } from "../../protocol/virtual-clock";
import { MetricsReading } from "./metrics-reading";
import { parsePrometheus } from "./prometheus-text";

/** What each text in turn says, ten seconds apart. */
function readings(...texts: string[]) {
  const clock = new VirtualClock();
  const reading = new MetricsReading(clock);
  return texts.map((text) => {
    clock.advance(10_000);
    return reading.read(text);
  });
}
const nothing = { responseMs: undefined, errorRate: undefined };

describe("a server's own statistics", () => {
  test("Forge's gauges", () => {
    const text = `# HELP forge_response_ms p95\n# TYPE forge_response_ms gauge\nforge_response_ms{zone="a"} 12.5\nforge_response_ms{zone="b"} 30 1700000000000\nforge_errors_per_second{zone="a"} 1\nforge_errors_per_second{zone="b"} 0.5\n`;
    expect(readings(text)).toEqual([{ responseMs: 30, errorRate: 1.5 }]);
  });

  const histogram = (fast: number, slow: number, endless: number) =>
    `http_request_duration_seconds_bucket{le="0.1",path="/"} ${fast}\nhttp_request_duration_seconds_bucket{le="0.5",path="/"} ${slow}\nhttp_request_duration_seconds_bucket{le="+Inf",path="/"} ${endless}\n`;

  test("a histogram's p95 of what came in between", () => {
    const [first, second] = readings(histogram(1000, 1000, 1000), histogram(1050, 1100, 1100));
    expect(first).toEqual(nothing);
    // 95 of 100: of the 50 between 0.1 and 0.5 s the 45th.
    expect(second?.responseMs).toBeCloseTo(100 + 400 * (45 / 50));
  });

  test("its largest bound where the percentile is beyond", () => {
    expect(readings(histogram(0, 0, 0), histogram(1, 2, 100))[1]?.responseMs).toBe(500);
  });

  test("nothing where no request came, and from zero where the server restarted", () => {
    const [, same, restarted] = readings(histogram(50, 50, 50), histogram(50, 50, 50), histogram(0, 20, 20));
    expect(same).toEqual(nothing);
    expect(restarted?.responseMs).toBeCloseTo(100 + 400 * (19 / 20));
  });

  test("a summary's quantile", () => {
    const text = `http_request_duration_seconds{quantile="0.5"} 0.01\nhttp_request_duration_seconds{quantile="0.95"} 0.25\nhttp_request_duration_seconds{quantile="0.99"} NaN\n`;
    expect(readings(text)).toEqual([{ responseMs: 250, errorRate: undefined }]);
  });

  test.each(["code", "status", "status_code"])("5xx a second of a counter with label %s", (label) => {
    const counter = (ok: number, bad: number) =>
      `http_requests_total{${label}="200"} ${ok}\nhttp_requests_total{${label}="503"} ${bad}\nhttp_requests_total{${label}="500",path="/"} 1\n`;
    const all = readings(counter(10, 4), counter(500, 24), counter(500, 24), counter(0, 9));
    // The restarted counter stands at 10: 9 and the 1 of the other series.
    expect(all.map(({ errorRate }) => errorRate)).toEqual([undefined, 2, 0, 1]);
  });

  test("the histogram's count where there is no counter", () => {
    const count = (bad: number) => `http_request_duration_seconds_count{status_code="502"} ${bad}\n`;
    expect(readings(count(0), count(30))[1]).toEqual({ responseMs: undefined, errorRate: 3 });
  });

  test("other metrics say nothing", () => {
    expect(readings("process_cpu_seconds_total 4\nforge_response_ms_other 3\nhttp_requests_total 5\n")).toEqual([
      nothing,
    ]);
  });
});

describe("Prometheus text", () => {
  const one = (line: string) => parsePrometheus(line, new Set(["m"]));

  test.each([
    ["m 1", {}, 1],
    ["m{} 1e3", {}, 1000],
    ['m{a="1",b="x y",} -2.5 1234', { a: "1", b: "x y" }, -2.5],
    ['m{ a="}, c=\\"", b="\\\\n\\n" } +Inf', { a: '}, c="', b: "\\n\n" }, Infinity],
    ["m\t7\r", {}, 7],
  ])("%s", (line, labels, value) => expect(one(line)).toEqual([{ name: "m", labels, value }]));

  test.each(["m", "m{", 'm{a="1} 2', "m{a=1} 2", "m NaN", "m one", "# m 1", " m 1", "", 'm{a="1"x} 2'])(
    "%p is passed over",
    (line) => expect(one(line)).toEqual([]),
  );

  test("whatever a server answers, it is read to its end", () => {
    const piece = fc.constantFrom("m", "{", "}", '"', "\\", "=", ",", " ", "\n", "1", "le", "+Inf");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 300 }), (pieces) => {
        for (const { value } of one(pieces.join(""))) expect(value).not.toBeNaN();
      }),
    );
    expect(one(`m{${'a="b",'.repeat(100_000)}`)).toEqual([]);
  });
});
