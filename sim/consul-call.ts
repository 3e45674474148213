import type { VirtualConsul } from "./consul";
import type { Network } from "./network";
import type { Phase } from "./phase";
import type { Process } from "./process";

/** As long as the real one's calls to Consul may take. */
const CALL_MS = 1000;

/** Runs something at Consul and gives its answer back. Rejects where none came in time; whether it was done is not known then. */
export type ConsulCall = <T>(what: string, run: () => T, routine?: boolean) => Promise<T>;

/** Calls of one controller to the modelled Consul, over the modelled network. */
export function consulCalls(
  phase: Phase,
  who: string,
  consul: VirtualConsul,
  network: Network,
  process: Process,
): ConsulCall {
  return (what, run, routine = false) =>
    new Promise((resolve, reject) => {
      const letter = { phase, text: `${who} ${what}`, routine };
      const cancel = process.after(CALL_MS, () => reject(new Error("Consul did not answer")));
      const answer = (tell: () => void): void =>
        network.post({
          ...letter,
          from: consul.host,
          to: process.host,
          reader: process,
          deliver: () => {
            cancel();
            tell();
          },
        });
      network.post({
        ...letter,
        from: process.host,
        to: consul.host,
        reader: undefined,
        deliver: () => {
          try {
            const value = run();
            answer(() => resolve(value));
          } catch (error) {
            answer(() => reject(error instanceof Error ? error : new Error(String(error))));
          }
        },
      });
    });
}
