/** Share of all bots that play, at points of one wave; straight lines between them. */
const WAVE: readonly (readonly [at: number, share: number])[] = [
  [0, 0.2],
  [0.08, 0.2],
  [0.3, 1],
  [0.55, 1],
  [0.65, 0.4],
  [1, 0.4],
];

/**
 * The share of bots that should play: up from a fifth to all, a while so, down to two fifths, and again from there.
 * @param elapsedMs since the swarm began
 * @param waveMs how long one wave takes
 */
export function playingShare(elapsedMs: number, waveMs: number): number {
  const waves = Math.max(0, elapsedMs) / waveMs;
  const at = waves - Math.floor(waves);
  // Only the first wave begins with a fifth: the later ones where the one before ended.
  const points = waves < 1 ? WAVE : WAVE.map(([when, share]) => [when, Math.max(share, 0.4)] as const);
  for (let i = 1; i < points.length; i++) {
    const [from, low] = points[i - 1] ?? [0, 0];
    const [to, high] = points[i] ?? [1, 0];
    if (at <= to) return low + ((high - low) * (at - from)) / (to - from);
  }
  return 0.4;
}
