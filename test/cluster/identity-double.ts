import { createSign, generateKeyPairSync } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** TEST DOUBLE of Nomad as the issuer of workload identities: a key of its own, shown as a JWKS over HTTP. */
export class IdentityDouble {
  private readonly keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

  private constructor(private readonly server: Server) {}

  static async start(): Promise<IdentityDouble> {
    const server = createServer();
    const issuer = new IdentityDouble(server);
    server.on("request", (_request, response) => {
      const key = { ...issuer.keys.publicKey.export({ format: "jwk" }), kid: "one", alg: "RS256", use: "sig" };
      response.setHeader("content-type", "application/json").end(JSON.stringify({ keys: [key] }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return issuer;
  }

  get jwksUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/.well-known/jwks.json`;
  }

  /** The identity of a job's task, as Nomad 2.0 writes it. */
  sign(audience: string, claims: Readonly<Record<string, string>>, lifeSecs = 3600): string {
    const nowSecs = Math.floor(Date.now() / 1000);
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const body = { aud: audience, iat: nowSecs, nbf: nowSecs, exp: nowSecs + lifeSecs, sub: "task", ...claims };
    const text = `${part({ alg: "RS256", kid: "one", typ: "JWT" })}.${part(body)}`;
    return `${text}.${createSign("RSA-SHA256").update(text).sign(this.keys.privateKey).toString("base64url")}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
