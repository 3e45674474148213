import { Core } from "../../controller/core/core";
import type { Decision } from "../../controller/core/decision";
import type { Input } from "../../controller/core/input";

/** A fault that somebody could make in the real code, made from outside: the code itself knows nothing of it. */
export interface PlantedBug {
  readonly name: string;
  /** A seed that is known to show it, tried first. */
  readonly seed: number;
  /** Which promise and check it breaks. */
  readonly shows: RegExp;
  /** Makes it; the result takes it out again. */
  plant(): () => void;
}

type Method = (this: never, ...args: never[]) => unknown;

/** Puts `changed` in the place of a method of a real class; it is given the real one. */
export function replaced<T extends Method>(
  owner: { readonly prototype: object },
  name: string,
  changed: (real: T) => T,
): () => void {
  const methods = owner.prototype as Record<string, T>;
  const real = methods[name];
  if (real === undefined) throw new Error(`there is no method ${name} to plant a bug in`);
  methods[name] = changed(real);
  return () => {
    methods[name] = real;
  };
}

/** What a core with a bug decides instead. */
export type Instead = (decisions: readonly Decision[], input: Input) => readonly Decision[];

/** @param make for each core anew: what one remembers, another does not know */
export function decides(make: () => Instead): () => void {
  const instead = new WeakMap<Core, Instead>();
  return replaced<(this: Core, input: Input) => readonly Decision[]>(
    Core,
    "handle",
    (real) =>
      function (input) {
        let of = instead.get(this);
        if (!of) instead.set(this, (of = make()));
        return of(real.call(this, input), input);
      },
  );
}
