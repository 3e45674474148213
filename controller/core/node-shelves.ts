import type { GameServer } from "./game-server";

/** A fleet's free servers by the node they are on, for who wants a whole node filled before the next is begun. */
export class NodeShelves {
  private readonly byNode = new Map<string, Set<GameServer>>();
  private readonly shelfOf = new Map<GameServer, string>();

  add(server: GameServer): void {
    const { nodeId } = server;
    if (nodeId === null) return;
    let shelf = this.byNode.get(nodeId);
    if (!shelf) this.byNode.set(nodeId, (shelf = new Set()));
    shelf.add(server);
    this.shelfOf.set(server, nodeId);
  }

  remove(server: GameServer): void {
    const nodeId = this.shelfOf.get(server);
    if (nodeId === undefined) return;
    this.shelfOf.delete(server);
    const shelf = this.byNode.get(nodeId);
    shelf?.delete(server);
    if (shelf?.size === 0) this.byNode.delete(nodeId);
  }

  nodes(): IterableIterator<[string, ReadonlySet<GameServer>]> {
    return this.byNode.entries();
  }
}
