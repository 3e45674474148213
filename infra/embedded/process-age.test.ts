import { startedBy } from "./process-age";

describe("startedBy", () => {
  const proc = (file: string): string =>
    file === "/proc/stat"
      ? "cpu 1 2\nbtime 1700000000\n"
      : `7 (a) (b c) S ${Array.from({ length: 18 }, () => "0").join(" ")} 50000 0`;

  it("tells a process that was there from one that got its number later", () => {
    const startedMs = 1_700_000_000_000 + 500_000;
    expect(startedBy(7, startedMs + 1, proc)).toBe(true);
    expect(startedBy(7, startedMs - 60_000, proc)).toBe(false);
  });

  it("believes it where the system does not tell", () => {
    const none = (): string => {
      throw new Error("no /proc");
    };
    expect(startedBy(7, 0, none)).toBe(true);
  });

  it("reads this machine's own", () => {
    expect(startedBy(process.pid, Date.now())).toBe(true);
  });
});
