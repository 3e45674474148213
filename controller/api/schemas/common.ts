import { z } from "zod";
import { annotationValue, labelKey, labelValue, MAX_LABELS } from "../../../protocol/labels";

/** Bounds of what comes in. They are generous for people and far below what could hurt a controller. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export const idSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9._-]+$/, "only letters, digits, '.', '_' and '-'");
export const nameSchema = z
  .string()
  .min(1)
  .max(64)
  .regex(NAME, "a letter or digit, then letters, digits, '.', '_' or '-'");
export const VERSION_MOST = 64;
export const versionSchema = z.string().min(1).max(VERSION_MOST);
/** What a client asks for. */
export const clientVersionSchema = versionSchema
  .regex(/^\P{Cc}*$/u, "no control characters")
  .describe(
    "Of the players' own program: only servers whose version takes it, as `clients` in forge.toml says, are given",
  );

export const versionWishSchema = versionSchema.describe(
  "The servers' version that the client speaks: one by name, or a range: ^1.4, 1.x, >=1.4 <2, 1.4.0 || 1.6.0",
);
/** Opaque: any text without control characters. The pattern is one that every tool reads; halves of pairs are none's business. */
export const playerIdSchema = z
  .string()
  .min(1)
  .max(128)
  // eslint-disable-next-line no-control-regex -- that they are refused is the point
  .regex(/^[^\u0000-\u001f\u007f-\u009f]+$/, "no control characters")
  .refine((text) => !/\p{Cs}/u.test(text), "no half of a surrogate pair");
export const modsSchema = z.array(nameSchema).max(32);
export const timeSchema = z.string().meta({ format: "date-time" });

const atMost64 = (record: Readonly<Record<string, unknown>>): boolean => Object.keys(record).length <= MAX_LABELS;
const TOO_MANY = `at most ${MAX_LABELS} keys`;

export const labelsSchema = z.record(labelKey, labelValue).refine(atMost64, TOO_MANY);
export const annotationsSchema = z.record(labelKey, annotationValue).refine(atMost64, TOO_MANY);
/** `null` takes a key away. */
export const labelsPatchSchema = z.record(labelKey, labelValue.nullable()).refine(atMost64, TOO_MANY);
export const annotationsPatchSchema = z.record(labelKey, annotationValue.nullable()).refine(atMost64, TOO_MANY);

/** Measured round trips, region to milliseconds. */
export const latenciesSchema = z.record(nameSchema, z.number().min(0).max(60_000)).refine(atMost64, TOO_MANY);
/** How long the caller is ready to wait for a place, in milliseconds. */
export const deadlineMsSchema = z.number().int().min(0).max(600_000);

/** A number in a query string. */
export function queryNumber(min: number, max: number): z.ZodType<number, string> {
  return (
    z
      .string()
      .regex(/^\d{1,15}$/, "a whole number")
      .transform(Number)
      .pipe(z.number().min(min).max(max))
      // For the contract: what is text on the wire is a number to everyone else.
      .meta({ type: "integer", minimum: min, maximum: max })
  );
}

/** `true`, `1` and a bare `?name` mean yes. */
export const queryFlag = z
  .enum(["true", "false", "1", "0", ""])
  .transform((text) => text === "true" || text === "1" || text === "")
  .meta({ type: "boolean" });

/** Seconds that a long poll may take. */
export const waitSchema = queryNumber(0, 60);

export const idParams = z.strictObject({ id: idSchema });
export const noQuery = z.strictObject({});
/** A list's page. `after` is the `next` of the page before. */
export const pageQuery = {
  limit: queryNumber(1, 1000).exactOptional(),
  after: z
    .string()
    .max(1024)
    .regex(/^[A-Za-z0-9_-]+$/, "not a cursor: pass the `next` of the page before")
    .exactOptional(),
};
export const pageQuerySchema = z.strictObject(pageQuery);
export const regionQuery = { region: nameSchema.exactOptional() };

/** The parts of the run that a merged list lacks. */
const missingSchema = z.array(z.strictObject({ region: z.string(), reason: z.string() }));

export function listOf<T extends z.ZodType>(item: T) {
  return z.strictObject({
    items: z.array(item),
    next: z.string().nullable().describe("Pass as `after` for the next page; null on the last"),
    missing: missingSchema.exactOptional().describe("Regions that did not answer; the list is without theirs"),
  });
}
