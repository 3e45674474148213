/** A text of numbers in their order: equal where all of them were, and otherwise as good as never. 64 bits, not for secrets. */
export class Digest {
  private high = 0x9e3779b9 | 0;
  private low = 0x85ebca6b | 0;

  /** @param value its lower 32 bits count */
  add(value: number): void {
    this.low = Math.imul(this.low ^ value, 0x01000193);
    this.high = Math.imul(((this.high << 13) | (this.high >>> 19)) ^ this.low ^ (this.low >>> 15), 0x5bd1e995);
  }

  /** Only its characters count. */
  addText(text: string): void {
    for (let i = 0; i < text.length; i++) this.add(text.charCodeAt(i));
  }

  toString(): string {
    return [this.high, this.low].map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
