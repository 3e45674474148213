/** What `forge up` was asked for. */
export interface UpOptions {
  /** Path of the forge.toml. */
  readonly configFile: string;
  /** Instead of what the file says of each region. */
  readonly engine: "embedded" | "nomad" | undefined;
  readonly processes: boolean;
  readonly demo: boolean;
  readonly forSecs: number | undefined;
  readonly detach: boolean;
  readonly json: boolean;
  /** Of the first region; 0 lets the system choose. */
  readonly port: number | undefined;
  /** Instead of what `[demo]` says. */
  readonly bots: number | undefined;
}
