import { abortReason } from "./timing";

export interface Deadline {
  readonly signal: AbortSignal;
  /** What it was for is done: nothing is held any more. */
  clear(): void;
}

/**
 * A signal that aborts after `ms`, or as soon as `parent` does. It is held by its timer and its listener:
 * `AbortSignal.any([…, AbortSignal.timeout(ms)])` of Node 20 can be collected as garbage and then never aborts.
 */
export function deadline(ms: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${ms} ms`)), ms);
  const follow = (): void => controller.abort(abortReason(parent));
  if (parent?.aborted) follow();
  parent?.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      parent?.removeEventListener("abort", follow);
    },
  };
}
