import { ApiError } from "./api.js";
import { keepToken, readToken } from "./token.js";

/** A renewal that did not get through is tried again after so long, while the token lasts. */
const AGAIN_MS = 15_000;
/** Never sooner than this, however short a token's life. */
const SOONEST_MS = 1000;

/**
 * Keeps this tab signed in: once three quarters of a token's life are over it is exchanged for a fresh one with the same
 * rights, as long as whoever made the first one allowed it. Then it ends as every token does.
 */
export class Renewal {
  /** @param {import("./api.js").Api} api whose token is replaced */
  constructor(api) {
    this.api = api;
  }

  start() {
    const { issuedAtMs, expiresAtMs, renewable } = readToken(this.api.token) ?? {};
    if (!renewable) return;
    this.expiresAtMs = expiresAtMs;
    const dueMs = issuedAtMs + (expiresAtMs - issuedAtMs) * 0.75;
    this.wait(dueMs - this.api.now());
  }

  stop() {
    clearTimeout(this.timer);
    this.stopped = true;
  }

  wait(ms) {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => void this.renew(), Math.max(SOONEST_MS, ms));
  }

  async renew() {
    try {
      const { token } = await this.api.send("POST", "/v1/tokens", { body: {} });
      if (this.stopped) return;
      this.api.token = token;
      keepToken(token);
      this.start();
    } catch (error) {
      const refused = error instanceof ApiError && error.status < 500 && error.status !== 429;
      if (!refused && this.api.now() < this.expiresAtMs) this.wait(AGAIN_MS);
    }
  }
}
