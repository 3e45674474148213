import { ProblemError } from "../../problems";
import { ALL_REGIONS } from "../../tokens";
import { json } from "../answer";
import { mayIn } from "../caller";
import { type AnyRoute, route } from "../route";
import { noQuery } from "../schemas/common";
import { notYours } from "./ownership";
import { mintBody, mintedTokenSchema } from "../schemas/token";

export const tokenRoutes: readonly AnyRoute[] = [
  route({
    key: "POST /v1/tokens",
    tag: "tokens",
    summary: "Mint a token of a lesser role, or renew one's own",
    query: noQuery,
    body: mintBody,
    responses: { 201: { description: "The token; it is shown this once", schema: mintedTokenSchema } },
    action: "token.mint",
    own({ body, caller }) {
      if (body.sub !== undefined) throw notYours("a token of somebody else", caller);
    },
    handle({ body, caller: { actor } }, { backend, tokens }) {
      const { sub = actor.sub, role = actor.role, regions = actor.regions, expiresInSecs, renewableForSecs } = body;
      const wider = regions.filter((region) => !mayIn(actor, region));
      if (wider.length > 0)
        throw new ProblemError(
          "regionNotAllowed",
          `your token is for ${actor.regions.join(", ")}; it cannot make one for ${wider.join(", ")}`,
        );
      const names = backend.regions().map(({ name }) => name);
      const unknown = body.regions?.find((region) => region !== ALL_REGIONS && !names.includes(region));
      // A token that is renewed may name one that has left the run since.
      if (body.sub !== undefined && unknown !== undefined)
        throw new ProblemError(
          "unknownRegion",
          `the run has no region ${JSON.stringify(unknown)}; it has ${names.join(", ")}`,
        );
      const made =
        body.sub === undefined
          ? tokens.renew(actor, { regions, expiresInSecs })
          : tokens.mint({ sub, role, regions, expiresInSecs, renewableForSecs });
      if (!made)
        throw new ProblemError(
          "conflict",
          "this token cannot be renewed, or no longer: get a new one where you got it",
        );
      const { token, expiresAtMs } = made;
      return json(
        201,
        { token, sub, role, regions, expiresAt: new Date(expiresAtMs).toISOString() },
        { "cache-control": "no-store" },
      );
    },
  }),
];
