import type { Consul } from "../../../clients/consul";
import { agentLinkService, controllerService } from "../../../config/region-names";
import { formatAddress, type Address } from "../../../protocol/address";
import type { Clock } from "../../../protocol/clock";
import { CHECK_MS } from "./lock-state";

export interface ControllerServicesDeps {
  readonly consul: Pick<Consul, "json" | "tokens">;
  readonly region: string;
  readonly controllerId: string;
  /** Where the API answers. */
  readonly publicUrl: string;
  /** Where agents dial in; undefined where that is no TCP address. */
  readonly agentLink: Exclude<Address, string> | undefined;
  readonly clock: Clock;
  readonly onTrouble: (problem: string | undefined) => void;
}

/** Consul forgets what was critical for so long; its shortest is a minute. */
const FORGET_AFTER = "10m";
const LOOK_MS = 10_000;
const CALL_MS = 2000;
/** The link is known to be there while this process is: its check is fed at each look. */
const LINK_TTL = "30s";

/**
 * This controller's two services in Consul: `forge-controller-REGION`, the API, tagged `leader` or `standby`, with the check
 * that the lock hangs on; and `forge-agents-REGION`, where agents dial in. Looked after every ten seconds: what Consul's
 * agent forgot, or was registered with an earlier token, is registered again.
 */
export class ControllerServices {
  readonly checkId: string;
  private readonly apiId: string;
  private readonly linkId: string;
  private tag: "leader" | "standby" = "standby";
  private registeredAs: string | undefined;
  private answering = true;
  private cancelLook: () => void = () => undefined;
  private closed = false;
  private looking: Promise<void> = Promise.resolve();

  constructor(private readonly deps: ControllerServicesDeps) {
    const { region, controllerId } = deps;
    this.apiId = `${controllerService(region)}-${controllerId}`;
    this.linkId = `${agentLinkService(region)}-${controllerId}`;
    this.checkId = `${this.apiId}:alive`;
  }

  start(): void {
    this.lookNow();
  }

  /** Shown as a tag of the service; told at once, and again at the next look if that fails. */
  setLeader(leader: boolean): void {
    const tag = leader ? "leader" : "standby";
    if (tag === this.tag) return;
    this.tag = tag;
    this.lookNow();
  }

  /** @throws {Error} where Consul does not take it */
  async register(): Promise<void> {
    const { region, controllerId, publicUrl, agentLink, consul } = this.deps;
    const { hostname, port, protocol } = new URL(publicUrl);
    const as = `${this.tag} ${String(consul.tokens)}`;
    await this.put("/v1/agent/service/register", {
      ID: this.apiId,
      Name: controllerService(region),
      Address: hostname.replace(/^\[|\]$/g, ""),
      Port: Number(port || (protocol === "https:" ? 443 : 80)),
      Tags: [region, this.tag],
      Meta: { controllerId, url: publicUrl },
      Checks: [
        {
          CheckID: this.checkId,
          Name: "it is alive",
          TTL: `${String(CHECK_MS)}ms`,
          DeregisterCriticalServiceAfter: FORGET_AFTER,
        },
        {
          CheckID: `${this.apiId}:health`,
          Name: "its API answers",
          HTTP: `${publicUrl}/health`,
          TLSSkipVerify: true,
          Interval: "10s",
          Timeout: "3s",
        },
      ],
    });
    if (agentLink)
      await this.put("/v1/agent/service/register", {
        ID: this.linkId,
        Name: agentLinkService(region),
        Address: agentLink.host,
        Port: agentLink.port,
        Tags: [region],
        Meta: { controllerId, address: formatAddress(agentLink) },
        Checks: [
          {
            CheckID: `${this.linkId}:alive`,
            Name: "it is alive",
            TTL: LINK_TTL,
            DeregisterCriticalServiceAfter: FORGET_AFTER,
          },
        ],
      });
    this.registeredAs = as;
  }

  /** Takes both out, so that nobody asks for them. */
  async close(): Promise<void> {
    this.closed = true;
    this.cancelLook();
    // What is being registered at this moment, because this one no longer leads, would be there after it.
    await this.looking;
    const ids = this.deps.agentLink ? [this.apiId, this.linkId] : [this.apiId];
    await Promise.allSettled(ids.map((id) => this.put(`/v1/agent/service/deregister/${id}`)));
  }

  private lookNow(): void {
    this.looking = this.looking.then(() => (this.closed ? undefined : this.look()));
  }

  private async look(): Promise<void> {
    this.cancelLook();
    const { consul, agentLink, onTrouble, clock } = this.deps;
    try {
      if (this.registeredAs !== `${this.tag} ${String(consul.tokens)}`) await this.register();
      if (agentLink) await this.feedLink();
      if (!this.answering) onTrouble(undefined);
      this.answering = true;
    } catch (error) {
      if (this.answering) onTrouble((error as Error).message);
      this.answering = false;
    }
    this.cancelLook();
    if (!this.closed) this.cancelLook = clock.after(LOOK_MS, () => this.lookNow());
  }

  private async feedLink(): Promise<void> {
    const feed = (): Promise<unknown> => this.put(`/v1/agent/check/pass/${this.linkId}:alive`);
    try {
      await feed();
    } catch {
      // Consul's agent does not know the check, or is away: then this fails too, and says so.
      await this.register();
      await feed();
    }
  }

  private put(path: string, body?: unknown): Promise<unknown> {
    return this.deps.consul.json("PUT", path, { timeoutMs: CALL_MS, ...(body !== undefined && { body }) });
  }
}
