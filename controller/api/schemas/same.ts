/** Types as JSON schemas make them, all the way down read-only and without the `undefined` of optional keys. */
type Plain<T> = T extends (...args: never[]) => unknown
  ? never
  : T extends readonly unknown[]
    ? { readonly [K in keyof T]: Plain<T[K]> }
    : T extends object
      ? { readonly [K in keyof T]: Plain<T[K]> }
      : T;

/**
 * `true` where a schema's output and the core's type are assignable both ways, else a type that nothing satisfies:
 * `true satisfies Same<z.output<typeof serverSchema>, Server>` fails to compile when one of them changed alone.
 */
export type Same<A, B> = [Plain<A>] extends [Plain<B>]
  ? [Plain<B>] extends [Plain<A>]
    ? true
    : { missingIn: "schema" }
  : { missingIn: "type" };
