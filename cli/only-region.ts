import type { Region } from "../controller/core/resources";
import type { ForgeApi } from "./api";
import { EXIT } from "./exit-code";
import { CliError } from "./failure";

/** The one region of a run. @throws {CliError} where it has several, and one has to be named */
export async function onlyRegion(api: ForgeApi): Promise<string> {
  const { items } = await api.get<{ readonly items: readonly Region[] }>("/v1/regions");
  const [first] = items;
  if (items.length === 1 && first !== undefined) return first.name;
  const names = items.map(({ name }) => name).join(", ");
  throw new CliError(
    "usage",
    EXIT.badInput,
    `which region? The run has ${names}`,
    "name one with --region (or FORGE_REGION)",
  );
}
