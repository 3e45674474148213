import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { regionFolder } from "../../config/region-endpoints";
import { systemCode } from "../failure";

/** Where everything of one region on this machine lies. */
export class RegionFolder {
  /** `.forge/regions/REGION` beside forge.toml. */
  readonly path: string;

  constructor(baseDir: string, region: string) {
    this.path = regionFolder(region, baseDir);
  }

  config(name: string): string {
    return join(this.path, "config", name);
  }

  data(name: string): string {
    return join(this.path, "data", name);
  }

  log(name: string): string {
    return join(this.path, "logs", `${name}.log`);
  }

  /** 0700, its files 0600. */
  secret(name: string): string {
    return join(this.path, "secrets", name);
  }

  tls(name: string): string {
    return join(this.path, "tls", name);
  }

  /** Pid files, locks, sockets. */
  run(name: string): string {
    return join(this.path, "run", name);
  }

  /** Makes what is missing; readable by its owner alone, whatever the umask. */
  make(): void {
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    chmodSync(this.path, 0o700);
    for (const part of ["config", "data", "logs", "secrets", "tls", "run"]) {
      mkdirSync(join(this.path, part), { recursive: true, mode: 0o700 });
    }
  }

  /** With all that is in it. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/**
 * Writes beside the place and renames, so that a reader sees the old text or the new one, and a kill leaves either. On
 * the disk when it returns: secrets that a system gives out once must not be lost with the power.
 */
export function writeWhole(file: string, content: string | Buffer, mode = 0o600): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const partial = `${file}.${String(process.pid)}.partial`;
  try {
    const fd = openSync(partial, "w", mode);
    try {
      writeFileSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    chmodSync(partial, mode);
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
}

/** The file's text; undefined where there is none. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
