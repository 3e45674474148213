/** What is measured of a server, and what it tells of itself. */
export interface ServerStats {
  /** Share of the CPU it asked for, 0 up; 1 is all of it. */
  readonly cpu: number;
  readonly memoryBytes: number;
  readonly players: number;
  /** p95 of its own answers, where it reports them. */
  readonly responseMs: number | undefined;
  /** 5xx a second, where it reports them. */
  readonly errorRate: number | undefined;
  /** Share of CPU periods in which it was held to its quota, 0 to 1; left out where it has none. */
  readonly throttled?: number | undefined;
  /** The fullest of the disks that it writes to, 0 to 1, and which of its folders lies there. */
  readonly disk?: { readonly used: number; readonly folder: string } | undefined;
  readonly atMs: number;
}
