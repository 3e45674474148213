import type { z } from "zod";
import type { FleetPolicy } from "../../core/resources";
import { json } from "../answer";
import { ask } from "../api-context";
import { mergedList } from "../merged-list";
import { type AnyRoute, route } from "../route";
import { listOf } from "../schemas/common";
import { fleetParams, fleetQuery, fleetSchema, fleetsQuery, putFleetBody } from "../schemas/fleet";
import { regionOfQuery, regionOfQueryOrHere } from "./located";

const fleet = { description: "The fleet in one region", schema: fleetSchema };

export const fleetRoutes: readonly AnyRoute[] = [
  route({
    key: "GET /v1/fleets",
    tag: "fleets",
    summary: "List fleets of this or all regions",
    query: fleetsQuery,
    responses: { 200: { description: "A page of fleets", schema: listOf(fleetSchema) } },
    region: regionOfQuery,
    handle(call, api) {
      const keyOf = ({ experienceId, region, version }: { experienceId: string; region: string; version: string }) =>
        `${experienceId} ${region} ${version}`;
      return mergedList(call, api, { local: () => ask(api, call.caller, { type: "listFleets" }), keyOf });
    },
  }),

  route({
    key: "GET /v1/fleets/:experienceId",
    tag: "fleets",
    summary: "Read size, version and policy; of this region where ?region= is not given",
    params: fleetParams,
    query: fleetQuery,
    responses: { 200: fleet },
    region: regionOfQueryOrHere,
    async handle({ params, caller }, api) {
      return json(200, await ask(api, caller, { type: "getFleet", experienceId: params.experienceId }));
    },
  }),

  route({
    key: "PUT /v1/fleets/:experienceId",
    tag: "fleets",
    summary: "Set size, version and policy; of this region where ?region= is not given",
    params: fleetParams,
    query: fleetQuery,
    body: putFleetBody,
    responses: { 200: fleet },
    action: "fleet.set",
    region: regionOfQueryOrHere,
    async handle({ params, body: { policy, ...body }, caller }, api) {
      const change = { ...body, ...(policy && { policy: withBothCooldowns(policy) }) };
      return json(200, await ask(api, caller, { type: "putFleet", experienceId: params.experienceId, ...change }));
    },
  }),
];

/** As in forge.toml: one value for both, each of which may be given by itself. */
function withBothCooldowns({
  cooldownSecs,
  ...policy
}: NonNullable<z.output<typeof putFleetBody>["policy"]>): Partial<FleetPolicy> {
  if (cooldownSecs === undefined) return policy;
  return { scaleUpCooldownSecs: cooldownSecs, scaleDownCooldownSecs: cooldownSecs, ...policy };
}
