import { z } from "zod";

/** What `terraform … -json` prints, a line each, as far as Forge reads it. Other lines are left out. */
const resourceSchema = z.looseObject({ addr: z.string(), resource_type: z.string() });
const hookSchema = z.looseObject({
  resource: resourceSchema,
  action: z.string().optional(),
  provisioner: z.string().optional(),
  output: z.string().optional(),
  elapsed_seconds: z.number().optional(),
});
const diagnosticSchema = z.looseObject({
  severity: z.string(),
  summary: z.string(),
  detail: z.string().default(""),
  address: z.string().optional(),
});
const lineSchema = z.looseObject({
  type: z.string(),
  "@message": z.string().default(""),
  hook: hookSchema.optional().catch(undefined),
  change: z.looseObject({ resource: resourceSchema, action: z.string() }).optional().catch(undefined),
  changes: z.looseObject({ add: z.number(), change: z.number(), remove: z.number() }).optional().catch(undefined),
  diagnostic: diagnosticSchema.optional().catch(undefined),
});

export type TerraformLine = Readonly<z.output<typeof lineSchema>>;
export type Diagnostic = Readonly<z.output<typeof diagnosticSchema>>;

/** Undefined for what is no line of Terraform's. */
export function readTerraformLine(text: string): TerraformLine | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
