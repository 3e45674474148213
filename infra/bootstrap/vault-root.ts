import type { HttpJson } from "../../clients/http-json";

interface Attempt {
  readonly nonce: string;
  readonly otp: string;
}

/**
 * A root token for a moment, from the key that opens the store. It is given back in every case.
 *
 * @throws what `work` throws, or the client's errors
 */
export async function withRootToken<T>(
  vault: HttpJson,
  unsealKey: string,
  work: (rootToken: string) => Promise<T>,
): Promise<T> {
  const token = await generateRoot(vault, unsealKey);
  try {
    return await work(token);
  } finally {
    await revokeSelf(vault, token);
  }
}

export async function revokeSelf(vault: HttpJson, token: string): Promise<void> {
  await vault.answer("POST", "/v1/auth/token/revoke-self", { headers: { "X-Vault-Token": token } });
}

/** With one share the first key given completes it. An attempt that was broken off is given up. */
async function generateRoot(vault: HttpJson, key: string): Promise<string> {
  await vault.answer("DELETE", "/v1/sys/generate-root/attempt");
  const { nonce, otp } = await vault.json<Attempt>("PUT", "/v1/sys/generate-root/attempt", { body: {} });
  const { encoded_token } = await vault.json<{ readonly encoded_token: string }>(
    "PUT",
    "/v1/sys/generate-root/update",
    { body: { key, nonce } },
  );
  return unmask(encoded_token, otp);
}

/** The token comes masked with the one-time password, byte for byte. */
function unmask(encoded: string, otp: string): string {
  const masked = Buffer.from(encoded, "base64");
  const mask = Buffer.from(otp, "utf8");
  return Buffer.from(masked.map((byte, at) => byte ^ (mask[at] ?? 0))).toString("utf8");
}
