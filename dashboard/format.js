/** Numbers and times as people read them. */

const whole = new Intl.NumberFormat();

export function formatCount(value) {
  return whole.format(value);
}

/** A share, 0 to 1. */
export function formatShare(share) {
  return `${Math.round(share * 100)}%`;
}

export function formatBytes(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** `42s`, `3m 05s`, `2h 14m`, `5d 3h`. */
export function formatDuration(ms) {
  const secs = Math.max(0, Math.floor(ms / 1000));
  const two = (value) => String(value).padStart(2, "0");
  if (secs < 60) return `${secs}s`;
  if (secs < 3600) return `${Math.floor(secs / 60)}m ${two(secs % 60)}s`;
  if (secs < 86400) return `${Math.floor(secs / 3600)}h ${two(Math.floor((secs % 3600) / 60))}m`;
  return `${Math.floor(secs / 86400)}d ${Math.floor((secs % 86400) / 3600)}h`;
}

/** `+0 ms`, `+940 ms`, `+1.3 s`: time after a first step. */
export function formatAfter(ms) {
  return ms < 1000 ? `+${Math.round(ms)} ms` : `+${(ms / 1000).toFixed(1)} s`;
}

/** `14:03:09` in the browser's time zone. */
export function formatTime(at) {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? at : time.toLocaleTimeString([], { hour12: false });
}
