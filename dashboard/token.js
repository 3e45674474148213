const KEY = "forge.token";

/**
 * The token of this tab: taken from the address (`#token=…`), which then is without it, else from the tab's own store.
 * Nothing else ever sees it: neither the history nor other tabs.
 */
export function takeToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get("token");
  if (given === null) return sessionStorage.getItem(KEY) ?? undefined;
  fragment.delete("token");
  const rest = fragment.toString();
  history.replaceState(null, "", location.pathname + location.search + (rest === "" ? "" : `#${rest}`));
  keepToken(given);
  return given;
}

export function keepToken(token) {
  sessionStorage.setItem(KEY, token);
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}

/** Who a token says its owner is; nothing is checked here, the controller does that. */
export function readToken(token) {
  try {
    const [, payload = ""] = token.split(".");
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (char) =>
      char.charCodeAt(0),
    );
    const { sub, role, iat, exp, renew } = JSON.parse(new TextDecoder().decode(bytes));
    return {
      sub: String(sub),
      role: String(role),
      issuedAtMs: Number(iat) * 1000,
      expiresAtMs: Number(exp) * 1000,
      renewable: Number(renew) > Number(exp),
    };
  } catch {
    return undefined;
  }
}
