import type { CommandResult } from "../controller/core/decision";
import type { Command } from "../controller/core/input";
import type { ControllerHost } from "./controller-host";
import type { Network } from "./network";
import type { Random } from "./random";

export const PLAYERS = "players";

const ANSWER_MS = 12_000;
const AGAIN_MS = 300;
const TRIES = 10;

/** Codes after which the same call may go well elsewhere or later. */
const PASSES = new Set(["notLeader", "unavailable"]);

/**
 * Asks a region's controllers as a client does: one after the other until one answers, the same call again where none did.
 * Whether a call without an answer was carried out is not known; that it may be carried out twice is part of the model.
 */
export class Client {
  private next = 0;

  constructor(
    private readonly controllers: readonly ControllerHost[],
    private readonly network: Network,
    private readonly random: Random,
  ) {}

  /**
   * @param command made anew for each try, with the time at the controller
   * @param take called once; undefined where nobody answered
   */
  ask(command: (nowMs: number) => Command, take: (result: CommandResult | undefined) => void, tries = TRIES): void {
    if (tries === 0) return take(undefined);
    const host = this.controllers[this.next % this.controllers.length];
    let done = false;
    const again = (): void => {
      if (done) return;
      done = true;
      this.next += 1;
      this.network.schedule.after(AGAIN_MS * (0.5 + this.random.next()), undefined, () =>
        this.ask(command, take, tries - 1),
      );
    };
    const patience = this.network.schedule.after(ANSWER_MS, undefined, again);
    const { process } = host ?? {};
    if (!host || !process?.alive) {
      patience.cancelled = true;
      return again();
    }
    const text = `ask ${host.host}`;
    this.network.post({
      from: PLAYERS,
      to: host.host,
      phase: "ask",
      text,
      reader: process,
      deliver: () => {
        void host.command(command(process.clock.now())).then((result) => {
          if (!process.alive) return;
          this.network.post({
            from: host.host,
            to: PLAYERS,
            phase: "ask",
            text,
            reader: undefined,
            deliver: () => {
              if (done) return;
              patience.cancelled = true;
              if (!result.ok && PASSES.has(result.problem.code)) return again();
              done = true;
              take(result);
            },
          });
        });
      },
    });
  }
}
