import { request } from "undici";
import type { Clock } from "../../protocol/clock";
import { errorMessage } from "../error-code";

const ASK_EVERY_MS = 50;
const ANSWERS_WITHIN_MS = 2_000;

/**
 * Asks a controller until it is ready.
 * @returns what it said last where it was not within `withinMs`; else undefined
 */
export async function whyNotReady(url: string, withinMs: number, clock: Clock): Promise<string | undefined> {
  const deadlineMs = clock.now() + withinMs;
  let last = "it did not answer";
  while (clock.now() < deadlineMs) {
    try {
      const within = { headersTimeout: ANSWERS_WITHIN_MS, bodyTimeout: ANSWERS_WITHIN_MS };
      const { statusCode, body } = await request(`${url}/ready`, within);
      const text = await body.text();
      if (statusCode === 200) return undefined;
      last = text;
    } catch (error) {
      last = errorMessage(error);
    }
    // A timer that keeps this process: the clock's own do not.
    await new Promise<void>((resolve) => void setTimeout(resolve, ASK_EVERY_MS));
  }
  return last;
}
