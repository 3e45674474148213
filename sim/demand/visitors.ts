import type { Player } from "../player";
import type { Random } from "../random";
import type { Schedule } from "../schedule";
import type { Want } from "./scene";

const LOOK_MS = 200;
/** Whoever was turned away asks again so much later. */
const AGAIN_MS = 1000;

/** One player and what they want, who asks for it until they have it. */
export class Visitor {
  /** Since when they want a place and have none told; undefined where they have one, or are away by their own wish. */
  wantsSinceMs: number | undefined;
  private nextMs: number;

  constructor(
    readonly player: Player,
    readonly want: Want,
    private readonly schedule: Schedule,
    random: Random,
  ) {
    player.stays = true;
    this.nextMs = schedule.nowMs + random.between(0, 3000);
    this.look();
  }

  /** They have a place, on a server or on their way to one. */
  get placed(): boolean {
    const { state } = this.player;
    return state === "inside" || state === "arriving" || state === "following";
  }

  private look(): void {
    const { player, want, schedule } = this;
    const { nowMs } = schedule;
    if (player.state === "inside" && nowMs - player.sinceMs > want.playMs) {
      player.leave();
      this.nextMs = nowMs + want.awayMs;
    } else if (player.state === "away" && nowMs >= this.nextMs) {
      this.wantsSinceMs ??= nowMs;
      this.nextMs = nowMs + AGAIN_MS;
      player.play(want.experienceId, [], want.wish);
    }
    if (this.placed) this.wantsSinceMs = undefined;
    schedule.after(LOOK_MS, undefined, () => this.look());
  }
}
