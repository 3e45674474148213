import { z } from "zod";
import { InfraError } from "../failure";
import type { GossipKeys } from "./agent-plan";
import type { LocalHost } from "./local-host";
import { readIfThere, writeWhole, type RegionFolder } from "./region-folder";

const FILE = "gossip.json";
const key = z.string().refine((text) => Buffer.from(text, "base64").length === 32);
const schema = z.object({ nomad: key, consul: key });

/**
 * The region's gossip keys, made once. Agents keep the first key they were given in their data folders, so a file that
 * cannot be read is a fault and no reason for new ones.
 *
 * @throws {InfraError} `lostSecret`
 */
export function gossipKeys(folder: RegionFolder, { randomBytes }: Pick<LocalHost, "randomBytes">): GossipKeys {
  const file = folder.secret(FILE);
  const text = readIfThere(file);
  if (text === undefined) {
    const keys = { nomad: randomBytes(32).toString("base64"), consul: randomBytes(32).toString("base64") };
    writeWhole(file, `${JSON.stringify(keys)}\n`);
    return keys;
  }
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const fix = "bring the file back, or remove the region with `infra down REGION --purge` and start anew";
  throw new InfraError("lostSecret", `${file} does not hold the region's gossip keys`, fix);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
