/** Seeded randomness: the same seed gives the same numbers on every machine. Streams of one seed do not disturb each other. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(private readonly seed: string) {
    const hash = hashes(seed);
    [this.a, this.b, this.c, this.d] = [hash(), hash(), hash(), hash()];
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A stream of its own: how much is drawn from it changes nothing for the others. */
  fork(name: string): Random {
    return new Random(`${this.seed}/${name}`);
  }

  /** 0 up to, not including, 1 (sfc32). */
  next(): number {
    const t = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + t;
    this.c |= 0;
    return (t >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0 up to, not including, `below`. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.int(from.length)];
  }

  fill(buffer: Buffer): void {
    for (let i = 0; i < buffer.length; i++) buffer[i] = this.int(256);
  }
}

/** xmur3: spreads a text over as many numbers as are asked for. */
function hashes(text: string): () => number {
  let h = 1_779_033_703 ^ text.length;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 3_432_918_353);
    h = (h << 13) | (h >>> 19);
  }
  return () => {
    h = Math.imul(h ^ (h >>> 16), 2_246_822_507);
    h = Math.imul(h ^ (h >>> 13), 3_266_489_909);
    h ^= h >>> 16;
    return h >>> 0;
  };
}
