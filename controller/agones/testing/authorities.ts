import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** FOR TESTS: certificates of made-up authorities in a folder of their own: `NAME.crt` and `NAME.key`. Needs openssl. */
export class Authorities {
  private readonly folder = mkdtempSync(join(tmpdir(), "forge-authorities-"));

  /** @param openssl the program's file */
  constructor(private readonly openssl: string) {
    writeFileSync(this.file("san"), "subjectAltName=IP:127.0.0.1\n");
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  authority(name: string): void {
    this.run("req", "-x509", ...newKey(name), "-out", `${name}.crt`, "-days", "2");
  }

  /** For 127.0.0.1. @param days until it ends; -1 for one that has ended */
  certificate(name: string, authority: string, days = 2): void {
    this.run("req", ...newKey(name), "-out", `${name}.csr`);
    const by = ["-CA", `${authority}.crt`, "-CAkey", `${authority}.key`, "-CAcreateserial"];
    const what = ["-in", `${name}.csr`, "-out", `${name}.crt`, "-days", `${days}`, "-extfile", "san"];
    this.run("x509", "-req", ...by, ...what);
  }

  /** What a client shows, and whom it believes. */
  tls(name: string, authority: string) {
    const read = (file: string): Buffer => readFileSync(this.file(file));
    return { cert: read(`${name}.crt`), key: read(`${name}.key`), ca: read(`${authority}.crt`) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private run(...args: readonly string[]): void {
    execFileSync(this.openssl, args, { cwd: this.folder, stdio: "ignore" });
  }
}

function newKey(name: string): readonly string[] {
  return `-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=${name} -keyout ${name}.key`.split(" ");
}
