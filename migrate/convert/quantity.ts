const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * A Kubernetes quantity as a number: cores, bytes, or a count. Undefined where it is none.
 * Source: `k8s.io/apimachinery/pkg/api/resource`.
 */
export function quantity(value: string | number): number | undefined {
  if (typeof value === "number") return value >= 0 ? value : undefined;
  const read = /^\+?(\d+\.?\d*|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([-+]?\d{1,3}))?$/.exec(value.trim());
  if (read === null) return undefined;
  const [, digits = "", suffix = "", exponent] = read;
  const number = Number(digits) * (exponent === undefined ? (SUFFIXES[suffix] ?? 1) : 10 ** Number(exponent));
  return Number.isFinite(number) ? number : undefined;
}

/** Whole MiB, rounded up, at least what Nomad allows. */
export function mebibytes(bytes: number): number {
  return Math.max(10, wholeUp(bytes / 2 ** 20));
}

/** Rounded up; what a product or quotient is beyond a whole number by its last binary digits alone does not count. */
export function wholeUp(amount: number): number {
  const nearest = Math.round(amount);
  return Math.abs(amount - nearest) <= Math.abs(amount) * 1e-12 ? nearest : Math.ceil(amount);
}
