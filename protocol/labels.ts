import * as z from "zod";

/**
 * What servers' labels and annotations may be, whoever sets them, so that what one side sets the others can change and
 * select by. Agones' calls have Kubernetes' rules instead, where a key may be longer.
 */
export const MAX_LABELS = 64;
export const labelKey = z
  .string()
  .min(1)
  .max(63)
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$/,
    "letters, digits, '.', '_', '/' and '-', starting and ending with a letter or digit",
  );
export const labelValue = z.string().max(256);
export const annotationValue = z.string().max(4096);
