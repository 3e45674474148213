import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";

/** Profiles this process from now on; the result ends that and writes a file that Chrome's developer tools open. */
export async function profileCpu(): Promise<(file: string) => Promise<void>> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
  return async (file) => {
    const { profile } = await session.post("Profiler.stop");
    writeFileSync(file, JSON.stringify(profile));
    session.disconnect();
  };
}
