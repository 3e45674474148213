import { agonesSdk, forgeSdk, type ComparedHealth, type SdkUnderComparison } from "./sdk-under-comparison";
import { SCENARIO, SILENT, WATCHED, type Step } from "./sdk-scenario";
import { grpcWire, restWire, type Wire } from "./sdk-verbs";

/** What one SDK server answered, by what was done and then by wire. */
export type Seen = Readonly<Record<string, Readonly<Partial<Record<Wire["name"], string>>>>>;

const QUICK: ComparedHealth = { periodSeconds: 1, failureThreshold: 2 };

export const seenOfForge = (): Promise<Seen> => seenOf(forgeSdk);
export const seenOfAgones = (program: string): Promise<Seen> => seenOf((health) => agonesSdk(program, health));

/** Each run on a server of its own, all at once. */
async function seenOf(start: (health?: ComparedHealth) => Promise<SdkUnderComparison>): Promise<Seen> {
  const runs = [
    { steps: SCENARIO, wire: grpcWire },
    { steps: SCENARIO, wire: restWire },
    { steps: [WATCHED], wire: grpcWire },
    { steps: [WATCHED], wire: restWire },
    { steps: [SILENT], wire: restWire, health: QUICK },
  ];
  const seen: Record<string, Partial<Record<Wire["name"], string>>> = {};
  for (const { what } of [...SCENARIO, WATCHED, SILENT]) seen[what] = {};
  await Promise.all(
    runs.map(async ({ steps, wire: wireOf, health }) => {
      const sdk = await start(health);
      const wire = wireOf(sdk);
      try {
        for (const step of steps) if (isOn(step, wire)) (seen[step.what] ??= {})[wire.name] = await step.run(wire);
      } finally {
        wire.close();
        await sdk.stop();
      }
    }),
  );
  return seen;
}

function isOn({ only }: Step, { name }: Wire): boolean {
  return only === undefined || only === name;
}
