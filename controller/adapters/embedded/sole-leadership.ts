import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Leadership, LeadershipChange } from "../../leadership";

/**
 * Leadership where one controller a region is all there is: it always leads, each start with a higher epoch, kept in a
 * file. If the file is lost, agents still know their epoch, refuse ours, and `outrun` lifts it above theirs.
 */
export class SoleLeadership implements Leadership {
  private epoch = 0;
  private onChange: (change: LeadershipChange) => void = () => undefined;

  constructor(private readonly file: string) {}

  start(onChange: (change: LeadershipChange) => void): Promise<void> {
    this.onChange = onChange;
    this.lead(this.stored());
    return Promise.resolve();
  }

  certainUntilMs(): number {
    return Infinity;
  }

  outrun(seenEpoch: number): void {
    this.lead(Math.max(seenEpoch, this.epoch));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private lead(above: number): void {
    this.epoch = above + 1;
    mkdirSync(dirname(this.file), { recursive: true });
    writeFileSync(`${this.file}.new`, `${String(this.epoch)}\n`);
    renameSync(`${this.file}.new`, this.file);
    this.onChange({ leader: true, epoch: this.epoch });
  }

  private stored(): number {
    try {
      const epoch = Number.parseInt(readFileSync(this.file, "utf8"), 10);
      return Number.isSafeInteger(epoch) && epoch > 0 ? epoch : 0;
    } catch {
      return 0;
    }
  }
}
