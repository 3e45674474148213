/** A port's label: letters, digits and `_`. */
export function portLabel(name: string | undefined, port: number): string {
  const label = (name ?? "").replace(/[^A-Za-z0-9_]/g, "_");
  return label === "" ? `p${port}` : label;
}

/** One label of a DNS name, at most 63 characters. */
export function dnsLabel(text: string): string {
  const label = text
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, "-")
    .replace(/^-+/, "")
    .slice(0, 63)
    .replace(/-+$/, "");
  return label === "" ? "x" : label;
}

/** A value for a name that is not in use yet: the name, or the name and a number. */
export function unused(name: string, isTaken: (candidate: string) => boolean, separator = "-"): string {
  let candidate = name;
  for (let at = 2; isTaken(candidate); at++) candidate = `${name}${separator}${at}`;
  return candidate;
}
