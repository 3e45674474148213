import { z } from "zod";
import { HttpJson } from "../../clients/http-json";

const answerSchema = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })).min(1) }),
});

const ASK_MS = 3000;

/** The first value of a query now; "unknown" where it cannot be asked or gives none. */
export async function prometheusValue(url: string, query: string): Promise<number | "unknown"> {
  const http = new HttpJson({ address: url, name: "Prometheus" });
  try {
    const answer = answerSchema.parse(await http.json("GET", "/api/v1/query", { query: { query }, timeoutMs: ASK_MS }));
    const value = Number(answer.data.result[0]?.value[1]);
    return Number.isFinite(value) ? value : "unknown";
  } catch {
    return "unknown";
  } finally {
    await http.close();
  }
}
