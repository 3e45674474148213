// The shop's page: asks the backend by its name, with the key from a file.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const { PORT, GREETING, PAGE, BACKEND, API_KEY_FILE } = process.env;
const page = readFileSync(PAGE, "utf8");
const key = readFileSync(API_KEY_FILE, "utf8");

async function items() {
  const answer = await fetch(`${BACKEND}/items`, { headers: { authorization: `Bearer ${key}` } });
  if (!answer.ok) throw new Error(`backend: ${answer.status}`);
  const { currency, items } = await answer.json();
  return items.map(({ name, price }) => `<li>${name}: ${price} ${currency}</li>`).join("");
}

createServer(async (request, response) => {
  if (request.url === "/healthz") return response.end("ok\n");
  if (request.url !== "/") return response.writeHead(404).end("no such page\n");
  try {
    const text = page.replaceAll("{{ greeting }}", () => GREETING).replace("{{ items }}", await items());
    response.setHeader("content-type", "text/html; charset=utf-8").end(text);
  } catch (error) {
    response.writeHead(502).end(`${error.message}\n`);
  }
}).listen(Number(PORT));
