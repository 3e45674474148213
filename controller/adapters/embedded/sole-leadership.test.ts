import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SoleLeadership } from "./sole-leadership";

describe("SoleLeadership", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-lead-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function epochsOf(file: string, seen: readonly number[] = []): Promise<number[]> {
    const epochs: number[] = [];
    const leadership = new SoleLeadership(file);
    await leadership.start(({ leader, epoch }) => void epochs.push(leader ? epoch : -1));
    for (const epoch of seen) leadership.outrun(epoch);
    await leadership.close();
    return epochs;
  }

  it("leads with a higher epoch at every start", async () => {
    const file = join(folder, "deeper", "epoch");
    expect(await epochsOf(file)).toEqual([1]);
    expect(await epochsOf(file)).toEqual([2]);
    expect(readFileSync(file, "utf8")).toBe("2\n");
  });

  it("goes above what an agent has seen, even where its own file is lost or damaged", async () => {
    const file = join(folder, "epoch");
    writeFileSync(file, "not a number");
    expect(await epochsOf(file, [41])).toEqual([1, 42]);
    expect(await epochsOf(file, [7])).toEqual([43, 44]);
  });
});
