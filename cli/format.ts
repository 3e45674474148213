/** Numbers and times as people read them in a terminal; each but a count is at most 8 characters. */

/** `0s`, `42s`, `3m 05s`, `2h 14m`, `5d 3h`; the parts that matter at that length. */
export function formatDuration(ms: number): string {
  const secs = Math.max(0, Math.floor(ms / 1000));
  if (secs < 60) return `${secs}s`;
  if (secs < 3600) return `${Math.floor(secs / 60)}m ${pad(secs % 60)}s`;
  if (secs < 86_400) return `${Math.floor(secs / 3600)}h ${pad(Math.floor((secs % 3600) / 60))}m`;
  return `${Math.floor(secs / 86_400)}d ${Math.floor((secs % 86_400) / 3600)}h`;
}

/** How long something took: `3 ms`, `940 ms`, `1.3 s`, then as `formatDuration`. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : formatDuration(ms);
}

/** In binary units: `38 MiB`, `1.2 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit] ?? ""}`;
}

/** A share, 0 to 1, as `34%`. */
export function formatShare(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** `14:03:09` in this machine's time zone; the text itself where it is no time. */
export function formatTime(at: string): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return at;
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(pad).join(":");
}

/** How long ago an ISO time was, as `formatDuration`; `-` for none. */
export function formatAge(at: string | null, nowMs: number): string {
  return at === null ? "-" : formatDuration(nowMs - Date.parse(at));
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** `1 server`, `2 servers`. */
export function formatCount(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
