import type { LeaderLock } from "../controller/adapters/consul/leader-lock";
import type { VirtualConsul } from "./consul";
import type { Network } from "./network";
import type { Process } from "./process";

/** As long as the real one's calls to Consul may take. */
const CALL_MS = 1000;

/** The lock of a region as one controller reaches it: the modelled Consul, over the modelled network. */
export function virtualLock(who: string, consul: VirtualConsul, network: Network, process: Process): LeaderLock {
  const call = <T>(what: string, run: () => T, routine = false): Promise<T> =>
    new Promise((resolve, reject) => {
      const letter = { phase: "lock" as const, text: `${who} ${what}`, routine };
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
  const leader = { controllerId: who, url: `http://${who}` };
  return {
    makeSession: () => call("makeSession", () => consul.makeSession(who)),
    feed: () => call("feed", () => consul.feed(who), true),
    look: () => call("look", () => consul.look(), true),
    acquire: (session) => call("acquire", () => consul.acquire(session, leader), true),
    raise: (session, above, keep) => call("raise", () => consul.raise(session, above, keep)),
    endSession: (session) => call("endSession", () => consul.endSession(session)),
    // Blocking queries tell the real one a little sooner than its own looks; here those have to do.
    watch: () => () => undefined,
  };
}
