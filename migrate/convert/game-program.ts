import { asName } from "../../config/names";
import { findSecrets } from "../../config/secrets";
import type { Answers } from "../answers";
import type { Cursor } from "../ledger/claims";
import { REFERENCE } from "./environment";
import { unused } from "./names";
import { mebibytes, quantity, wholeUp } from "./quantity";
import { standInOf } from "./stand-in";

/** What forge.toml says of a program: the image or what stands in for it, arguments and environment. */
export function programOf(container: Cursor | undefined, target: string, answers: Answers): Record<string, unknown> {
  if (container === undefined) return { image: "" };
  const standIn = standInOf(container, answers);
  const image = container.get("image").converted(`${target}.image`);
  container.get("command").note(standIn === undefined ? "gameEntrypoint" : "standIn");
  container.get("imagePullPolicy").note(standIn === undefined ? "pullByDriver" : "standInSetting");
  const known = environmentOf(container, target);
  const args = container
    .get("args")
    .converted(`${target}.args`)
    .items()
    .map((word) => allowed(word, "", expanded(word.text() ?? "", known)) ?? "");
  const env = { ...Object.fromEntries(known), ...standIn?.env };
  if (standIn === undefined) return { image: image.text() ?? "", ...program(args, env) };
  image.note("standIn", `${target}.command`);
  const [command = "", ...words] = standIn.command;
  return { command, driver: standIn.driver, ...program([...words, ...args], env) };
}

function program(args: readonly string[], env: Readonly<Record<string, string>>): Record<string, unknown> {
  return { ...(args.length === 0 ? {} : { args }), ...(Object.keys(env).length === 0 ? {} : { env }) };
}

function environmentOf(container: Cursor, target: string): ReadonlyMap<string, string> {
  const env = new Map<string, string>();
  for (const item of container.get("env").items()) {
    const name = item.get("name").text() ?? "";
    // Names that begin so are those that Forge sets.
    if (item.get("valueFrom").present || !/^(?!FORGE_)[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      item.note("gameEnvironment");
      continue;
    }
    item.converted(`${target}.env.${name}`);
    const value = allowed(item, name, expanded(item.get("value").text() ?? "", env));
    if (value !== undefined) env.set(name, value);
  }
  return env;
}

/** What forge.toml would read as a port of its own, which these words of other programs are not. */
const PORT_OF_FORGE = /\$\{NOMAD_(?:HOST_)?(?:PORT|ADDR|IP)_/;

/** A text where forge.toml takes it under this name; undefined, and said so in the ledger, where it does not. */
function allowed(at: Cursor, name: string, text: string): string | undefined {
  if (findSecrets(text, [name]).length > 0) at.note("gameSecret");
  else if (PORT_OF_FORGE.test(text)) at.note("gameEnvironment");
  else return text;
  return undefined;
}

/** Linux starts no program with a longer word; variables that name each other twice would grow without end. */
const LONGEST = 128 * 1024;

/** `$(NAME)` of a known variable, as Kubernetes replaces it; `$$` is `$`. */
function expanded(text: string, known: ReadonlyMap<string, string>): string {
  const whole = text.replace(REFERENCE, (match, name: string | undefined) =>
    name === undefined ? "$" : (known.get(name) ?? match),
  );
  return whole.length > LONGEST ? text : whole;
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
): { readonly roles?: Readonly<Record<string, unknown>> } {
  const roles = new Map<string, Readonly<Record<string, unknown>>>();
  for (const container of pod.get("containers").items()) {
    if (container.pointer === primary?.pointer) continue;
    if ((container.get("image").text() ?? "") === "") {
      container.note("gameSidecar");
      continue;
    }
    const wanted = asName(container.get("name").text() ?? "") ?? "beside";
    const name = unused(wanted.slice(0, 28), (candidate) => roles.has(candidate));
    const at = `${target}.roles.${name}`;
    container.get("name").note("gameRole", at);
    roles.set(name, {
      per: "server",
      ...programOf(container, at, answers),
      ...sizeOf(container, at, answers),
    });
  }
  return roles.size === 0 ? {} : { roles: Object.fromEntries(roles) };
}
