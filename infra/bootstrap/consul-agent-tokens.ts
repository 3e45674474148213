import { z } from "zod";
import { HttpStatusError } from "../../clients/http-json";
import { readIfThere, writeWhole } from "../local/region-folder";
import { tokenOf } from "../local/token-files";
import { TOKEN_HEADER, type Bootstrap, type StepReport } from "./bootstrap";
import { newUuid } from "./new-uuid";

/** A token that Consul's agent works with itself. */
interface AgentToken {
  /** What the agent uses it for, in the words of its API. */
  readonly use: "agent" | "default";
  readonly policy: string;
  readonly rules: string;
}

const pairSchema = z.object({ accessor: z.uuid(), secret: z.uuid() });

/**
 * Tokens of the agent: one to keep its own node's entry, and one for whoever asks without any, which is how DNS asks: it
 * may see nodes, services and queries, and nothing else. Accessor and secret are on the disk before Consul hears of them.
 */
export async function bootstrapConsulAgent(bootstrap: Bootstrap): Promise<StepReport> {
  const { consul, folder, region } = bootstrap;
  const management = tokenOf(folder, "consul") ?? "";
  const headers = { [TOKEN_HEADER.consul]: management };
  const made: string[] = [];
  for (const { use, policy, rules } of agentTokens(region)) {
    const { accessor, secret } = pairOf(bootstrap, use);
    if (await isThere(bootstrap, accessor, headers)) continue;
    await ensurePolicy(bootstrap, policy, rules, headers);
    bootstrap.reached(`consul: policy ${use}`);
    const body = { AccessorID: accessor, SecretID: secret, Description: policy, Policies: [{ Name: policy }] };
    await consul.json("PUT", "/v1/acl/token", { headers, body });
    bootstrap.reached(`consul: token ${use}`);
    made.push(`Consul's agent has its ${use} token`);
  }
  // Every time: the agent keeps them in its data folder, and cannot be asked which it has.
  for (const { use } of agentTokens(region)) {
    const body = { Token: pairOf(bootstrap, use).secret };
    await consul.json("PUT", `/v1/agent/token/${use}`, { headers, body });
    bootstrap.reached(`consul: agent told ${use}`);
  }
  return made;
}

/** @param region also Consul's datacenter */
function agentTokens(region: string): readonly AgentToken[] {
  const look = 'node_prefix "" { policy = "read" }\nservice_prefix "" { policy = "read" }\n';
  const own = `node "${region}-server" { policy = "write" }\nagent "${region}-server" { policy = "write" }\n`;
  return [
    { use: "agent", policy: `forge-${region}-node`, rules: look + own },
    { use: "default", policy: `forge-${region}-dns`, rules: `${look}query_prefix "" { policy = "read" }\n` },
  ];
}

function pairOf(bootstrap: Bootstrap, use: AgentToken["use"]): z.output<typeof pairSchema> {
  const { folder, host } = bootstrap;
  const file = folder.secret(`consul-${use}.json`);
  const text = readIfThere(file);
  if (text !== undefined) return pairSchema.parse(JSON.parse(text));
  const pair = { accessor: newUuid(host), secret: newUuid(host) };
  writeWhole(file, JSON.stringify(pair));
  bootstrap.reached(`consul: pair ${use} written`);
  return pair;
}

async function isThere({ consul }: Bootstrap, accessor: string, headers: Record<string, string>): Promise<boolean> {
  try {
    await consul.json("GET", `/v1/acl/token/${accessor}`, { headers });
    return true;
  } catch (error) {
    // 1.8 says 403 "ACL not found", later ones 404.
    if (error instanceof HttpStatusError && (error.status === 404 || /not found/i.test(error.text))) return false;
    throw error;
  }
}

interface PolicyStub {
  readonly ID: string;
  readonly Name: string;
}

async function ensurePolicy(
  { consul }: Bootstrap,
  Name: string,
  Rules: string,
  headers: Record<string, string>,
): Promise<void> {
  const all = await consul.json<readonly PolicyStub[]>("GET", "/v1/acl/policies", { headers });
  const id = all.find((policy) => policy.Name === Name)?.ID;
  const path = id === undefined ? "/v1/acl/policy" : `/v1/acl/policy/${id}`;
  await consul.json("PUT", path, { headers, body: { ...(id === undefined ? {} : { ID: id }), Name, Rules } });
}
