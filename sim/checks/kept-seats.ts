import type { Decision } from "../../controller/core/decision";
import type { Input } from "../../controller/core/input";
import type { Ack, FromAgent, Request, Snapshot } from "../../protocol/messages";
import { peekTicket, type TicketClaims } from "../../protocol/ticket";
import type { TrueServer } from "../journal-truth";
import type { ControllerHost } from "../controller-host";
import type { VirtualNode } from "../node";
import type { Player } from "../player";
import type { VirtualRegion } from "../region";
import type { World, WorldWatch } from "../world";

/** P2: an acknowledged seat survives; nothing is said before it is in the journal, and whoever was told a place gets it. */
export class KeptSeats implements WorldWatch {
  /** Sessions that ended as somebody wished, or whose end was told. */
  private readonly over = new Set<string>();
  private readonly forced = new Set<string>();
  /** By node: the highest epoch of a request that it has carried out. */
  private readonly followed = new Map<string, number>();
  /** By session that was moved to another region: the epoch of the leader that knows where to. */
  private readonly movedAway = new Map<string, { readonly region: VirtualRegion; readonly epoch: number }>();
  /** By player and experience: the session that was told last. */
  private readonly latest = new Map<string, string>();

  constructor(private readonly world: World) {
    for (const { nodes } of world.regions)
      for (const node of nodes) {
        node.truth.onLower = (server, seat, highest) =>
          world.broken(
            "P1",
            "the higher generation wins",
            `${node.nodeId} seats ${seat.sessionId} generation ${String(seat.generation)} on ${server.expect.serverId}, after ${String(highest)}`,
          );
        node.truth.onChanged = (before, after) =>
          world.broken(
            "P2",
            "a journal written anew holds the same",
            `${node.nodeId}'s held ${before}, and then ${after}`,
          );
        node.onPowerLost = () => this.forgetEpoch(node);
      }
  }

  /**
   * The journal is not flushed: a machine may lose with its power that it followed the newest leader. Its game servers
   * are gone too, so it is as one that this leader has not reached yet, and may follow the one before until it has.
   */
  private forgetEpoch({ nodeId, truth }: VirtualNode): void {
    this.followed.set(nodeId, Math.min(this.followed.get(nodeId) ?? 0, truth.epoch));
  }

  onRequest(_region: VirtualRegion, node: VirtualNode, { epoch, body }: Request, acked: number): void {
    if ((body.kind === "grant" || body.kind === "claim") && acked !== epoch)
      this.world.broken(
        "P1",
        "seats are known before any is granted",
        `${node.nodeId} was asked to ${body.kind} on ${body.serverId} by epoch ${String(epoch)}; on this stream it has acknowledged ${String(acked)}`,
      );
  }

  onSaid(_region: VirtualRegion, node: VirtualNode, message: FromAgent): void {
    if (message.type === "hello" && message.epoch < node.truth.epoch)
      this.world.broken(
        "P1",
        "an agent remembers its epoch",
        `${node.nodeId} says that it has followed epoch ${String(message.epoch)}; its journal has ${String(node.truth.epoch)}`,
      );
    if (message.type === "snapshot") this.snapshot(node, message);
  }

  /** What it tells a controller to rebuild from is what it has promised. */
  private snapshot(node: VirtualNode, { servers }: Snapshot): void {
    for (const { serverId, allocationId, seats } of servers) {
      const truth = node.truth.find(serverId, allocationId);
      const told = seats.map((seat) => `${seat.sessionId} ${String(seat.generation)}${seat.joined ? " joined" : ""}`);
      const kept = [...(truth?.seats.values() ?? [])].map(
        (seat) => `${seat.sessionId} ${String(seat.generation)}${seat.joinedAtMs === undefined ? "" : " joined"}`,
      );
      if (told.sort().join() !== kept.sort().join())
        this.world.broken(
          "P2",
          "a snapshot is what was promised",
          `${node.nodeId} tells of ${serverId}: ${told.join(", ") || "nobody"}; its journal has ${kept.join(", ") || "nobody"}`,
        );
    }
  }

  onAck(_region: VirtualRegion, node: VirtualNode, { epoch, body }: Request, ack: Ack): void {
    if (!ack.ok) return;
    // Two requests of one turn are journaled together and answered in order: what was answered before is what counts.
    const before = this.followed.get(node.nodeId) ?? 0;
    this.followed.set(node.nodeId, Math.max(before, epoch));
    const stale = epoch < before;
    if (stale || epoch > node.truth.epoch) {
      const detail = `${node.nodeId} took a ${body.kind} of epoch ${String(epoch)} after one of ${String(before)}; its journal has ${String(node.truth.epoch)}`;
      this.world.broken("P1", stale ? "a stale epoch is refused" : "an epoch is journaled", detail);
    }
    if (body.kind === "close" && node.truth.find(body.serverId, body.allocationId)?.closed === false)
      this.world.broken(
        "P3",
        "closed is journaled",
        `${node.nodeId} said that ${body.serverId} is closed; its journal does not`,
      );
    for (const seat of ack.seats ?? []) this.granted(node, seat.ticket);
  }

  onAdmission(_region: VirtualRegion, node: VirtualNode, serverId: string, ticket: string): void {
    const claims = peekTicket(ticket);
    const truth = claims && node.truth.find(serverId, claims.allocationId);
    const seat = claims && truth?.seats.get(claims.sessionId);
    if (claims && seat && seat.joinedAtMs === undefined)
      this.world.broken(
        "P2",
        "a join is journaled",
        `${claims.playerId} was let on ${serverId}; its journal has the seat unjoined`,
      );
    if (claims && truth && (truth.highest.get(claims.sessionId) ?? 0) > claims.generation)
      this.world.broken(
        "P1",
        "the higher generation wins",
        `${claims.playerId} was let on ${serverId} with generation ${String(claims.generation)}, after ${String(truth.highest.get(claims.sessionId))}`,
      );
  }

  /** A player of a region that is being drained gives up a seat there only for one elsewhere. */
  onDecision(region: VirtualRegion, host: ControllerHost, _input: Input, decision: Decision): void {
    if (decision.type !== "event" || decision.event.type !== "session.moved") return;
    const { sessionId, detail } = decision.event;
    const { toServerId, toSessionId } = (detail ?? {}) as { toServerId?: string; toSessionId?: string };
    if (toServerId === undefined || toSessionId === undefined) return;
    this.over.add(sessionId);
    this.movedAway.set(sessionId, { region, epoch: host.epoch });
    // A server that another allocation replaced is known twice; a machine that lost its power may have lost the record.
    const known = this.world.regions
      .flatMap(({ nodes }) => nodes.flatMap(({ truth, distrusted }) => (distrusted ? [] : [...truth.servers.values()])))
      .filter(({ expect }) => expect.serverId === toServerId);
    if (known.length > 0 && !known.some(({ highest }) => highest.has(toSessionId)))
      this.world.broken(
        "P2",
        "a seat is given up for another only",
        `${sessionId} was moved to ${toServerId} as ${toSessionId}, which its journal does not know`,
      );
  }

  onForced(serverId: string): void {
    this.forced.add(serverId);
  }

  told(player: Player, { sessionId }: TicketClaims): void {
    this.latest.set(`${player.id} ${player.experienceId}`, sessionId);
  }

  /** The leader that moved a player away tells where to, as long as it leads. */
  toldEnd({ id }: Player, sessionId: string): void {
    const moved = this.movedAway.get(sessionId);
    // Each region counts its epochs by itself.
    if (moved !== undefined && moved.region.leader?.epoch === moved.epoch)
      this.world.broken(
        "P2",
        "who is moved is told",
        `${id} was told that ${sessionId} has ended; it was moved to another region`,
      );
  }

  ended(_player: Player, sessionId: string): void {
    this.over.add(sessionId);
  }

  refused(player: Player, claims: TicketClaims, code: string): void {
    if (code === "unavailable" || code === "serverGone" || code === "ticketReplayed") return;
    const { node, truth } = this.where(claims);
    if (!node || !truth || this.excused(player, claims, node, truth)) return;
    this.world.broken(
      "P2",
      "a told seat is there",
      `${player.id} came to ${claims.serverId} with a good ticket (${claims.sessionId}, generation ${String(claims.generation)}, ` +
        `${String(claims.expiresAtMs - this.nodeNow(node))} ms left) and was refused: ${code}`,
    );
  }

  private granted(node: VirtualNode, ticket: string): void {
    const claims = peekTicket(ticket);
    if (!claims) return this.world.broken("P2", "a ticket can be read", ticket);
    // Journaled with what was asked after it, which may have been to forget the server.
    const truth = node.truth.lastKnown(claims.serverId, claims.allocationId);
    if ((truth?.highest.get(claims.sessionId) ?? -1) < claims.generation)
      return this.world.broken(
        "P2",
        "a grant is journaled",
        `${node.nodeId} granted ${claims.sessionId} generation ${String(claims.generation)} on ${claims.serverId}; its journal has ` +
          String(truth?.highest.get(claims.sessionId) ?? "nothing of it"),
      );
    const lease = truth?.seats.get(claims.sessionId)?.leaseExpiresAtMs;
    if (lease !== undefined && claims.expiresAtMs >= lease)
      this.world.broken(
        "P2",
        "a ticket ends before its lease",
        `the ticket of ${claims.sessionId} ends ${String(claims.expiresAtMs - lease)} ms after its lease`,
      );
  }

  private excused(player: Player, claims: TicketClaims, node: VirtualNode, truth: TrueServer): boolean {
    const { sessionId, serverId, generation } = claims;
    if (this.nodeNow(node) >= claims.expiresAtMs || node.distrusted || truth.gone !== undefined) return true;
    if (this.over.has(sessionId) || this.forced.has(serverId)) return true;
    if (this.latest.get(`${player.id} ${player.experienceId}`) !== sessionId) return true;
    // A match that its players have played ends for those who never came.
    if (truth.expect.seats === "match") return true;
    for (const region of this.world.regions)
      for (const other of region.nodes)
        for (const server of other.truth.servers.values())
          if ((server.highest.get(sessionId) ?? 0) > generation) return true;
    return false;
  }

  private where(claims: TicketClaims): { node: VirtualNode | undefined; truth: TrueServer | undefined } {
    for (const region of this.world.regions) {
      const found = region.findServer(claims.serverId);
      if (found) return { node: found.node, truth: found.node.truth.find(claims.serverId, claims.allocationId) };
    }
    return { node: undefined, truth: undefined };
  }

  private nodeNow(node: VirtualNode): number {
    return this.world.schedule.nowMs + node.skewMs;
  }
}
