import type { Clock } from "../../protocol/clock";
import type { Actor, ApiBackend } from "../api/backend";
import type { Fleet } from "../core/resources";
import { fleetObject, gameServerObject, type KubeObject } from "./objects";
import { ResourceView } from "./resource-view";

const LOOKER: Actor = { sub: "kubernetes", role: "viewer", regions: ["*"] };

/** This region's servers and fleets as objects of Kubernetes, by the namespace that they are asked for under. */
export class RegionViews {
  readonly #views = new Map<string, ResourceView>();

  constructor(
    private readonly backend: ApiBackend,
    private readonly clock: Clock,
  ) {}

  /** @param namespace `default` or the region's name: there are no others for this region */
  view(kind: "GameServer" | "Fleet", namespace: string): ResourceView {
    const key = `${kind} ${namespace}`;
    const known = this.#views.get(key);
    if (known) return known;
    const read = kind === "Fleet" ? () => this.#fleets(namespace) : () => this.#gameServers(namespace);
    const view = new ResourceView(read, this.clock);
    this.#views.set(key, view);
    return view;
  }

  async #gameServers(namespace: string): Promise<readonly KubeObject[]> {
    const listed = await this.backend.command({ type: "listServers" }, LOOKER);
    if (!listed.ok) throw new Error(listed.problem.detail);
    return listed.value
      .filter(({ state }) => state !== "terminated")
      .map((server) => gameServerObject(server, namespace));
  }

  async #fleets(namespace: string): Promise<readonly KubeObject[]> {
    const listed = await this.backend.command({ type: "listFleets" }, LOOKER);
    if (!listed.ok) throw new Error(listed.problem.detail);
    const byName = new Map<string, Fleet[]>();
    for (const fleet of listed.value) {
      byName.set(fleet.experienceId, [...(byName.get(fleet.experienceId) ?? []), fleet]);
    }
    return [...byName.values()].map((versions) => fleetObject(versions, namespace));
  }
}
