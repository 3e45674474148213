const DIGITS = 7;

/** Of a benchmark's player; all of one run are equally long. */
export function playerName(prefix: string, number: number): string {
  return prefix + String(number).padStart(DIGITS, "0");
}
