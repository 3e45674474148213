/**
 * `npx tsx bench/synth.ts [REGIONS]`: how long ten regions on Nomad take from forge.toml to Terraform's JSON, all five
 * stacks of each, in this process (as `forge deploy` does it), beside loading the libraries alone.
 * Build first: checksums of the bundles go into the jobs.
 */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { distribution } from "./distribution";
import { machineLine } from "./machine";

const ROUNDS = 5;

async function main(regions: number): Promise<void> {
  const started = performance.now();
  const { App } = await import("cdktf");
  const { addRunStacks, readForgeToml } = await import("../stacks");
  const loadedMs = performance.now() - started;
  const folder = mkdtempSync(join(tmpdir(), "forge-synth-"));
  try {
    const file = join(folder, "forge.toml");
    writeFileSync(file, forgeToml(regions));
    const out = join(folder, "out");
    const roundsMs = Array.from({ length: ROUNDS }, () => {
      const from = performance.now();
      const app = new App({ outdir: out });
      addRunStacks(app, readForgeToml(file));
      app.synth();
      return performance.now() - from;
    });
    const stacks = readdirSync(join(out, "stacks"));
    const bytes = stacks.map((id) => statSync(join(out, "stacks", id, "cdk.tf.json")).size).reduce((a, b) => a + b, 0);
    console.log(machineLine());
    console.log(`libraries loaded in ${loadedMs.toFixed(0)} ms`);
    console.log(`${regions} regions, ${stacks.length} stacks, ${(bytes / 1024).toFixed(0)} KiB of JSON`);
    console.log(`each of ${ROUNDS} rounds: ${roundsMs.map((ms) => `${ms.toFixed(0)} ms`).join(", ")}`);
    console.log(`p50 ${distribution(roundsMs).p50.toFixed(0)} ms`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function forgeToml(regions: number): string {
  const region = (index: number) =>
    `[[regions]]\nname = "region-${index}"\nengine = "nomad"\nhosts = "local"\nnomad.namespace = "games"\n`;
  const experience = (name: string) =>
    `[experiences.${name}]\ncommand = "${name}"\ndriver = "raw_exec"\nmax_players = 16\n` +
    `[experiences.${name}.roles.ai]\nper = "fleet"\ncommand = "ai"\ndriver = "raw_exec"\n`;
  return [
    ...Array.from({ length: regions }, (_, index) => region(index)),
    ...["arena", "duel", "race", "siege", "survival"].map(experience),
  ].join("\n");
}

void main(Number(process.argv[2] ?? 10));
