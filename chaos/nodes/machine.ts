import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NomadConfig } from "../../infra/agents/nomad-agent";
import type { NetHost } from "../network";
import { Program } from "../program";

export interface MachineOptions {
  readonly host: NetHost;
  /** Its disk: configuration, Nomad's data, its log, and what Forge keeps on a node. */
  readonly folder: string;
  readonly nomad: string;
  readonly config: NomadConfig;
  /** Where it finds its `forge` folder, absolute: the same on all machines. */
  readonly nodeFolder: string;
  readonly onDeath: (how: string) => void;
}

/** Processes and mounts of its own: when the first process goes, whatever runs there goes, as when the power does. */
const SPACES = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"];
/** The shell stays: as the first process of its space it takes the ends of orphans, which Nomad would not. */
const BOOT = `mount --bind "$1" "$2" && shift 2 && "$@"; exit $?`;

/** One machine with a Nomad agent on it, and with all that this one starts. */
export class Machine {
  readonly program: Program;

  constructor(private readonly options: MachineOptions) {
    const { host, folder, nomad, config, nodeFolder, onDeath } = options;
    mkdirSync(this.forgeFolder, { recursive: true });
    mkdirSync(nodeFolder, { recursive: true });
    const file = join(folder, "nomad.json");
    writeFileSync(file, JSON.stringify(config));
    const { AWS_CA_BUNDLE: _none, ...env } = process.env;
    // What Nomad's plugins listen at stays behind where it is killed; beside the disk, which is filled.
    const temporary = `${folder}-tmp`;
    mkdirSync(temporary, { recursive: true });
    this.program = new Program({
      name: host.name,
      command: [
        ...host.within,
        "unshare",
        ...SPACES,
        ...["sh", "-c", BOOT, "sh", this.forgeFolder, nodeFolder],
        ...[nomad, "agent", "-config", file, "-log-level", "WARN"],
      ],
      logFile: join(folder, "nomad.log"),
      env: { ...env, TMPDIR: temporary },
      onDeath,
    });
  }

  get name(): string {
    return this.options.host.name;
  }

  get address(): string {
    return this.options.host.address;
  }

  get folder(): string {
    return this.options.folder;
  }

  /** Where the records of the machine's Forge agent are. */
  get journalDir(): string {
    return join(this.forgeFolder, "journal");
  }

  private get forgeFolder(): string {
    return join(this.options.folder, "forge");
  }
}
