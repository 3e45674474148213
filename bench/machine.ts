import { cpus, loadavg } from "node:os";

/** What every figure depends on; printed first by each benchmark. */
export function machineLine(): string {
  const processors = cpus();
  const load = loadavg().map((value) => value.toFixed(2));
  return (
    `${processors.length} cores (${processors[0]?.model.trim() ?? "unknown"}), Node ${process.version}, ` +
    `load average ${load.join(" ")} before the run`
  );
}
