import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { openSecrets, type OpenSecretsDeps } from "../../clients/run-secrets";
import { formatAddress, parseAddress } from "../../protocol/address";
import { gateCodec } from "../../protocol/codec";
import { listenSocket } from "../../protocol/socket-listener";
import { Gate, type GateDeps } from "./gate";
import type { GateConfig } from "./gate-config";

export interface RunningGate {
  readonly gate: Gate;
  /** Resolves when every socket of it is closed. */
  stop(): Promise<void>;
}

/**
 * A gate that waits for its agent on a unix socket. It dials nobody: an agent that comes back, or a newer one beside
 * it, finds the gate, and the newest to connect has it.
 *
 * @throws {Error} where the socket cannot be listened on, or its folder not be made
 */
export async function startGate(
  config: Pick<GateConfig, "agentSocket" | "secrets">,
  deps: GateDeps & Pick<OpenSecretsDeps, "env" | "random" | "log">,
): Promise<RunningGate> {
  if (config.agentSocket.startsWith("/")) mkdirSync(dirname(config.agentSocket), { recursive: true, mode: 0o700 });
  const secrets = await openSecrets(config.secrets, ["shared"], deps);
  const gate = new Gate(deps);
  const listener = await listenSocket(
    parseAddress(config.agentSocket),
    {
      codec: gateCodec,
      secret: () => secrets.now.shared,
      clock: deps.clock,
      onRefused: (reason) => deps.log.warn({ reason }, "a connection that is no agent of this run was refused"),
    },
    (channel) => gate.attachAgent(channel),
  );
  deps.log.info({ socket: formatAddress(listener.address) }, "gate is listening for its agent");
  return {
    gate,
    stop: async () => {
      await gate.stop();
      await listener.close();
      await secrets.close();
    },
  };
}
