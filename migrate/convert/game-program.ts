import { asName } from "../../config/names";
import type { Answers } from "../answers";
import type { Cursor } from "../ledger/claims";
import { allowed, expanded, gameEnvironmentOf, type GameSources } from "./game-environment";
import { unused } from "./names";
import { mebibytes, quantity, wholeUp } from "./quantity";
import { standInOf } from "./stand-in";

/** What forge.toml says of a program: the image or what stands in for it, arguments and environment. */
export function programOf(
  container: Cursor | undefined,
  target: string,
  answers: Answers,
  sources: GameSources,
): Record<string, unknown> {
  if (container === undefined) return { image: "" };
  const standIn = standInOf(container, answers);
  const image = container.get("image").converted(`${target}.image`);
  container.get("command").note(standIn === undefined ? "gameEntrypoint" : "standIn");
  container.get("imagePullPolicy").note(standIn === undefined ? "pullByDriver" : "standInSetting");
  const known = gameEnvironmentOf(container, target, sources);
  const args = container
    .get("args")
    .converted(`${target}.args`)
    .items()
    .map((word) => allowed(word, "", expanded(word, known)) ?? "");
  const env = { ...Object.fromEntries(known.env), ...standIn?.env };
  if (standIn === undefined) return { image: image.text() ?? "", ...program(args, env) };
  image.note("standIn", `${target}.command`);
  const [command = "", ...words] = standIn.command;
  return { command, driver: standIn.driver, ...program([...words, ...args], env) };
}

function program(args: readonly string[], env: Readonly<Record<string, string>>): Record<string, unknown> {
  return { ...(args.length === 0 ? {} : { args }), ...(Object.keys(env).length === 0 ? {} : { env }) };
}

export function sizeOf(container: Cursor | undefined, target: string, answers: Answers): Record<string, number> {
  const read = (name: string): number | undefined => {
    const resources = container?.get("resources");
    const limit = resources?.get("limits", name);
    const request = resources?.get("requests", name);
    const code = name === "cpu" ? "cpuInMhz" : "converted";
    limit?.note(request?.present === true ? "gameLimit" : code, `${target}.${name}`);
    request?.note(code, `${target}.${name}`);
    const value = request?.intOrText() ?? limit?.intOrText();
    return value === undefined ? undefined : quantity(value);
  };
  const cpu = read("cpu");
  const memory = read("memory");
  return {
    cpu:
      cpu === undefined ? answers.default_cpu : Math.min(1_000_000, Math.max(1, wholeUp(cpu * answers.mhz_per_core))),
    memory: memory === undefined ? answers.default_memory : Math.min(16_777_216, mebibytes(memory)),
  };
}

/** Containers beside the game server as roles of each server: tasks of its allocation, on its loopback. */
export function rolesOf(
  pod: Cursor,
  primary: Cursor | undefined,
  target: string,
  answers: Answers,
  sources: GameSources,
): { readonly roles?: Readonly<Record<string, unknown>> } {
  const roles = new Map<string, Readonly<Record<string, unknown>>>();
  for (const container of pod.get("containers").items()) {
    if (container.pointer === primary?.pointer) continue;
    if ((container.get("image").text() ?? "") === "") {
      container.note("gameSidecar");
      continue;
    }
    const wanted = asName(container.get("name").text() ?? "") ?? "beside";
    const name = unused(wanted.slice(0, 28), (candidate) => candidate === "server" || roles.has(candidate));
    const at = `${target}.roles.${name}`;
    container.get("name").note("gameRole", at);
    roles.set(name, {
      per: "server",
      ...programOf(container, at, answers, sources),
      ...sizeOf(container, at, answers),
    });
  }
  return roles.size === 0 ? {} : { roles: Object.fromEntries(roles) };
}
