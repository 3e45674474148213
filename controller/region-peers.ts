import type { Logger } from "pino";
import { z } from "zod";
import { trustingAgent } from "../clients/authority";
import { type Agent, request } from "../clients/undici.cjs";
import type { Clock } from "../protocol/clock";
import { placementsSchema } from "./api/schemas/session";
import type { Arrival } from "./core/arrival";
import type { Input } from "./core/input";
import type { RegionSummary } from "./core/resources";

export interface RegionAddress {
  readonly name: string;
  readonly url: string | undefined;
  readonly location: readonly [number, number] | undefined;
}

export interface RegionPeersDeps {
  readonly region: string;
  readonly regions: readonly RegionAddress[];
  /** A token that may read the other regions' summaries. */
  readonly token: () => string;
  /** One that may place players in them. */
  readonly placeToken: () => string;
  /** What the other regions' authorities are sealed with. */
  readonly shared?: () => readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

const POLL_MS = 1000;
/** Regions of a run start together: one that has not answered yet is asked again sooner, at first. */
const FIRST_POLL_MS = 100;
const FIRST_POLLS = 30;
const TIMEOUT_MS = 800;
/** The other region looks for seats for 20 s. */
const TRANSFER_MS = 30_000;
/** After so many missed polls a region counts as down for players who could go elsewhere. */
const DOWN_AFTER = 3;

const summarySchema: z.ZodType<RegionSummary> = z.object({
  region: z.string(),
  state: z.enum(["up", "draining", "down"]),
  location: z.tuple([z.number(), z.number()]).nullable(),
  experiences: z.record(
    z.string(),
    z.array(
      z.object({
        version: z.string(),
        clients: z.string().exactOptional(),
        mods: z.array(z.string()),
        free: z.number(),
        queued: z.number(),
        canGrow: z.boolean(),
        cpu: z.number(),
      }),
    ),
  ),
});

const problemSchema = z.object({ detail: z.string() });

interface Peer {
  readonly address: RegionAddress & { readonly url: string };
  summary: RegionSummary | undefined;
  missed: number;
}

/**
 * What this controller knows of the run's other regions: asked each second over HTTP, so that any region can
 * choose for a player. A region that does not answer hurts nobody else: it is only not chosen.
 */
export class RegionPeers {
  private readonly peers: Peer[];
  private cancelPoll: () => void = () => undefined;
  private closed = false;
  private readonly connections: Agent;
  private onSummaries: (regions: readonly RegionSummary[]) => void = () => undefined;

  constructor(private readonly deps: RegionPeersDeps) {
    this.connections = trustingAgent({ shared: deps.shared ?? (() => []) });
    this.peers = deps.regions.flatMap((address) =>
      address.name === deps.region || address.url === undefined
        ? []
        : [{ address: { ...address, url: address.url }, summary: undefined, missed: 0 }],
    );
  }

  start(onSummaries: (regions: readonly RegionSummary[]) => void): void {
    this.onSummaries = onSummaries;
    if (this.peers.length > 0) void this.poll();
  }

  all(): readonly RegionAddress[] {
    return this.deps.regions;
  }

  summaries(): readonly RegionSummary[] {
    return this.peers.flatMap((peer) =>
      peer.summary ? [peer.missed >= DOWN_AFTER ? { ...peer.summary, state: "down" as const } : peer.summary] : [],
    );
  }

  /** Asks another region to take these players in. Never rejects: what went wrong is a result too. */
  async transfer(region: string, arrival: Arrival): Promise<Extract<Input, { type: "transferred" }>["result"]> {
    const peer = this.peers.find(({ address }) => address.name === region);
    if (!peer) return unavailable(`this controller knows no address of region ${region}`);
    try {
      const { statusCode, body } = await request(`${peer.address.url}/v1/regions/${region}/arrivals`, {
        method: "POST",
        dispatcher: this.connections,
        headers: { authorization: `Bearer ${this.deps.placeToken()}`, "content-type": "application/json" },
        body: JSON.stringify(arrival),
        headersTimeout: TRANSFER_MS,
        bodyTimeout: TRANSFER_MS,
      });
      const json = await body.json();
      if (statusCode === 200) return { ok: true, value: placementsSchema.parse(json).items };
      const { detail } = problemSchema.parse(json);
      return unavailable(detail);
    } catch (error) {
      return unavailable(`region ${region} does not answer: ${(error as Error).message}`);
    }
  }

  close(): void {
    this.closed = true;
    this.cancelPoll();
    void this.connections.destroy();
  }

  private async poll(): Promise<void> {
    await Promise.all(this.peers.map((peer) => this.ask(peer)));
    if (this.closed) return;
    this.onSummaries(this.summaries());
    const starting = this.peers.some(({ summary, missed }) => summary === undefined && missed < FIRST_POLLS);
    this.cancelPoll = this.deps.clock.after(starting ? FIRST_POLL_MS : POLL_MS, () => void this.poll());
  }

  private async ask(peer: Peer): Promise<void> {
    try {
      const { statusCode, body } = await request(`${peer.address.url}/v1/regions/${peer.address.name}/summary`, {
        dispatcher: this.connections,
        headers: { authorization: `Bearer ${this.deps.token()}` },
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      });
      const json = await body.json();
      if (statusCode !== 200) throw new Error(`status ${String(statusCode)}`);
      peer.summary = summarySchema.parse(json);
      if (peer.missed >= DOWN_AFTER) this.deps.log.info({ region: peer.address.name }, "region answers again");
      peer.missed = 0;
    } catch (error) {
      peer.missed += 1;
      if (peer.missed === DOWN_AFTER)
        this.deps.log.warn({ region: peer.address.name, err: error }, "region does not answer");
    }
  }
}

function unavailable(detail: string): Extract<Input, { type: "transferred" }>["result"] {
  return { ok: false, problem: { code: "unavailable", detail } };
}
