/** `"20%"` as 0.2; undefined where it is a number of something. */
export function shareOfText(size: number | string): number | undefined {
  return typeof size === "number" ? undefined : Number.parseFloat(size) / 100;
}
