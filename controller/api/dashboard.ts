import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { type Answer } from "./answer";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
};
const MAX_BYTES = 16 * 1024 * 1024;

/** The page runs its own files only, talks to this controller only, and cannot be framed. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

interface Page {
  readonly contentType: string;
  readonly body: Buffer;
  readonly etag: string;
}

/**
 * The web page's files, read once: a path either is one of them or it is not, so none leads out of the folder.
 * Files of other kinds, hidden ones and links are left out.
 */
export class Dashboard {
  readonly #pages: ReadonlyMap<string, Page>;

  private constructor(pages: ReadonlyMap<string, Page>) {
    this.#pages = pages;
  }

  /** @throws {Error} where there is no index.html in the folder, or more than 16 MiB */
  static async read(folder: string): Promise<Dashboard> {
    const pages = new Map<string, Page>();
    let bytes = 0;
    for (const path of await filesIn(folder)) {
      const contentType = CONTENT_TYPES[extname(path)];
      if (contentType === undefined) continue;
      const body = await readFile(join(folder, path));
      bytes += body.length;
      if (bytes > MAX_BYTES) throw new Error(`the dashboard in ${folder} has more than ${MAX_BYTES} bytes`);
      pages.set(`/${path}`, { contentType, body, etag: `"${createHash("sha256").update(body).digest("base64url")}"` });
    }
    const index = pages.get("/index.html");
    if (!index) throw new Error(`the dashboard's folder ${folder} has no index.html`);
    pages.set("/", index);
    return new Dashboard(pages);
  }

  /** @returns undefined where the dashboard has no such page */
  answer(path: string, ifNoneMatch: string | undefined): Answer | undefined {
    const page = this.#pages.get(path);
    if (!page) return undefined;
    const { contentType, body, etag } = page;
    const headers = {
      etag,
      "cache-control": "no-cache",
      "content-security-policy": CONTENT_SECURITY_POLICY,
      "referrer-policy": "no-referrer",
    };
    if (ifNoneMatch === etag) return { status: 304, contentType, body: "", headers };
    return { status: 200, contentType, body, headers };
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => !path.split("/").some((part) => part.startsWith(".")));
}
