import type { z } from "zod";

/** What JSON makes of a type: a value that may be undefined may be missing. */
export type Wire<T> = unknown extends T
  ? unknown
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends readonly (infer Item)[]
      ? readonly Wire<Item>[]
      : { [K in keyof T as undefined extends T[K] ? never : K]: Wire<T[K]> } & {
          [K in keyof T as undefined extends T[K] ? K : never]?: Wire<T[K]> | undefined;
        };

/** One check for each `type` of a union of messages, and none missing. */
export type Schemas<Message extends { readonly type: string }> = {
  readonly [Type in Message["type"]]: z.ZodType<Wire<Message & { readonly type: Type }>>;
};
