import type { LeaderLock } from "../controller/adapters/consul/leader-lock";
import type { VirtualConsul } from "./consul";
import type { ConsulCall } from "./consul-call";

/** The lock of a region as one controller reaches it. */
export function virtualLock(who: string, consul: VirtualConsul, call: ConsulCall): LeaderLock {
  const leader = { controllerId: who, url: urlOf(who) };
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

export function urlOf(controllerId: string): string {
  return `http://${controllerId}`;
}
