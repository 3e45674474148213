/** A bucket of packets: it fills at the rate, and holds what comes in one second. */
interface Visitor {
  left: number;
  seenMs: number;
}

/** Who has sent nothing for so long is forgotten, in milliseconds; as at Agones' ping service. */
const FORGET_MS = 60_000;
/** More addresses than this at a time get no answer: a forged source costs its sender nothing. */
const MAX_VISITORS = 50_000;

/** How many packets an address may send. Source: Agones, `cmd/ping/udp.go`; there it is an address with its port. */
export class PacketLimits {
  private readonly visitors = new Map<string, Visitor>();

  /** @param perSecond the rate, and the burst */
  constructor(private readonly perSecond: number) {}

  allows(address: string, nowMs: number): boolean {
    let visitor = this.visitors.get(address);
    if (!visitor) {
      if (this.visitors.size >= MAX_VISITORS) return false;
      this.visitors.set(address, (visitor = { left: this.perSecond, seenMs: nowMs }));
    }
    const earned = ((nowMs - visitor.seenMs) / 1000) * this.perSecond;
    visitor.left = Math.min(this.perSecond, visitor.left + earned);
    visitor.seenMs = nowMs;
    if (visitor.left < 1) return false;
    visitor.left--;
    return true;
  }

  forgetOld(nowMs: number): void {
    for (const [address, { seenMs }] of this.visitors) if (nowMs - seenMs > FORGET_MS) this.visitors.delete(address);
  }
}
