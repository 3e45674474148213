import { findSecrets } from "../../config/secrets";
import type { Cursor } from "../ledger/claims";
import type { KubeObject } from "../object";
import { REFERENCE } from "./environment";
import { keysOf } from "./pod-context";

/** What a game server has beside its object. */
export interface GameSources {
  /** Where its variables may come from. */
  configMap(name: string): KubeObject | undefined;
  /** The nodes' ports that servers before it have for themselves; told of its own. */
  readonly fixedPorts: Set<number>;
}

export interface GameEnvironment {
  /** As forge.toml has them: literals. */
  readonly env: ReadonlyMap<string, string>;
  /** Names of those that it cannot have. */
  readonly lost: ReadonlySet<string>;
}

/** Names that begin so are those that Forge sets. */
const NAME = /^(?!FORGE_)[A-Za-z_][A-Za-z0-9_]*$/;

/** A container's environment; what comes from a ConfigMap of the input is written out. */
export function gameEnvironmentOf(container: Cursor, target: string, sources: GameSources): GameEnvironment {
  const env = new Map<string, string>();
  const lost = new Set<string>();
  /** @param at what is said to be lost where forge.toml does not take it */
  const set = (name: string, at: Cursor, text: string): void => {
    const value = NAME.test(name) ? allowed(at, name, text) : undefined;
    if (value !== undefined) env.set(name, value);
    else {
      if (!NAME.test(name)) at.note("gameEnvironment");
      env.delete(name);
      lost.add(name);
    }
  };
  for (const source of container.get("envFrom").items()) {
    const name = source.get("configMapRef", "name");
    const map = sources.configMap(name.text() ?? "");
    source.note(map === undefined ? "gameEnvironment" : "converted", `${target}.env`);
    const prefix = source.get("prefix").text() ?? "";
    for (const key of map === undefined ? [] : keysOf(map, "data")) {
      const value = map?.root.get("data", key).note("configInJob", `${target}.env.${prefix}${key}`);
      if (value !== undefined) set(`${prefix}${key}`, value, value.text() ?? "");
    }
  }
  for (const item of container.get("env").items()) {
    const name = item.get("name").text() ?? "";
    const key = item.get("valueFrom", "configMapKeyRef");
    const value = sources.configMap(key.get("name").text() ?? "")?.root.get("data", key.get("key").text() ?? "");
    if (value?.present === true) {
      item.converted(`${target}.env.${name}`);
      set(name, value.note("configInJob", `${target}.env.${name}`), value.text() ?? "");
    } else if (item.get("valueFrom").present) {
      item.note("gameEnvironment");
      env.delete(name);
      lost.add(name);
    } else {
      if (NAME.test(name)) item.converted(`${target}.env.${name}`);
      set(name, item, expanded(item.get("value"), { env, lost }));
    }
  }
  return { env, lost };
}

/** What forge.toml would read as a port of its own, which these words of other programs are not. */
const PORT_OF_FORGE = /\$\{NOMAD_(?:HOST_)?(?:PORT|ADDR|IP)_/;

/** A text where forge.toml takes it under this name; undefined, and said so in the ledger, where it does not. */
export function allowed(at: Cursor, name: string, text: string): string | undefined {
  if (findSecrets(text, [name]).length > 0) at.note("gameSecret");
  else if (PORT_OF_FORGE.test(text)) at.note("gameEnvironment");
  else return text;
  return undefined;
}

/** Linux starts no program with a longer word; variables that name each other twice would grow without end. */
const LONGEST = 128 * 1024;

/** `$(NAME)` of a known variable, as Kubernetes replaces it; `$$` is `$`. One that is lost is said to be. */
export function expanded(at: Cursor, { env, lost }: GameEnvironment): string {
  const text = at.text() ?? "";
  const whole = text.replace(REFERENCE, (match, name: string | undefined) => {
    if (name === undefined) return "$";
    if (!env.has(name) && lost.has(name)) at.note("gameEnvironment");
    return env.get(name) ?? match;
  });
  return whole.length > LONGEST ? text : whole;
}
