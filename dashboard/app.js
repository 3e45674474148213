import { setHidden, setText } from "./dom.js";
import { RunView } from "./run-view.js";
import { forgetToken, keepToken, readToken, takeToken } from "./token.js";

const byId = (id) => document.getElementById(id);

/** Why the token was not taken, in words for whoever has to get another one. */
const REASONS = {
  tokenExpired: "This token has expired: tokens live an hour at most.",
  tokenSignature: "This token is of another run.",
  tokenMalformed: "This is no token of Forge.",
  roleNotAllowed: "This token's role may not look at the run: use an operator's or a viewer's.",
};

let view;

function signIn(token) {
  setHidden(byId("sign-in"), true);
  const out = byId("sign-out");
  setHidden(out, false);
  const who = readToken(token);
  out.title = who === undefined ? "" : `${who.sub}, ${who.role}`;
  view = new RunView(token, (error) => {
    forgetToken();
    askForToken(REASONS[error.code] ?? error.message);
  });
  view.start();
}

function askForToken(reason) {
  view = undefined;
  setHidden(byId("sign-out"), true);
  setHidden(byId("sign-in"), false);
  setText(byId("connection"), "not connected");
  byId("connection").dataset.state = "off";
  setText(byId("sign-in-reason"), reason ?? "");
  setHidden(byId("sign-in-reason"), reason === undefined);
  byId("token").focus();
}

byId("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = byId("token").value.trim();
  byId("token").value = "";
  if (token === "") return;
  keepToken(token);
  // A view that was used before still has its listeners: a fresh page has none of them.
  location.reload();
});

byId("sign-out").addEventListener("click", () => {
  view?.end();
  forgetToken();
  location.reload();
});

/** As the system, then the other one, then back. */
byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const isDark = root.dataset.theme === undefined ? systemIsDark : root.dataset.theme === "dark";
  const next = isDark ? "light" : "dark";
  root.dataset.theme = next;
  localStorage.setItem("forge.theme", next);
});

// The address of a page that is open already may be given a new token.
addEventListener("hashchange", () => {
  if (new URLSearchParams(location.hash.slice(1)).has("token")) {
    takeToken();
    location.reload();
  }
});

const token = takeToken();
if (token === undefined) askForToken();
else signIn(token);
