import { ProblemError } from "../../problems";
import { json } from "../answer";
import { mayIn } from "../caller";
import { type AnyRoute, route } from "../route";
import { noQuery } from "../schemas/common";
import { mintBody, mintedTokenSchema } from "../schemas/token";

export const tokenRoutes: readonly AnyRoute[] = [
  route({
    key: "POST /v1/tokens",
    tag: "tokens",
    summary: "Mint a token of a lesser role",
    query: noQuery,
    body: mintBody,
    responses: { 201: { description: "The token; it is shown this once", schema: mintedTokenSchema } },
    action: "token.mint",
    handle({ body, caller: { actor } }, { tokens }) {
      const { sub, role, regions = actor.regions, expiresInSecs } = body;
      const wider = regions.filter((region) => !mayIn(actor, region));
      if (wider.length > 0)
        throw new ProblemError(
          "regionNotAllowed",
          `your token is for ${actor.regions.join(", ")}; it cannot make one for ${wider.join(", ")}`,
        );
      const { token, expiresAtMs } = tokens.mint({ sub, role, regions, expiresInSecs });
      return json(
        201,
        { token, sub, role, regions, expiresAt: new Date(expiresAtMs).toISOString() },
        { "cache-control": "no-store" },
      );
    },
  }),
];
