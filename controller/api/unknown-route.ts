import { ProblemError } from "../problems";
import type { RouteKey } from "./access";
import { pathOf } from "./route";
import { ROUTES } from "./routes";

const PATTERNS = ROUTES.map(({ key }) => {
  const [method = "", url = ""] = key.split(" ");
  const pattern = new RegExp(`^${url.replaceAll(/[.]/g, "\\.").replaceAll(/:\w+/g, "[^/]+")}$`);
  return { key, method, pattern };
});

/** The calls at a path, whatever their method. */
export function routesAt(path: string): readonly { readonly key: RouteKey; readonly method: string }[] {
  return PATTERNS.filter(({ pattern }) => pattern.test(path));
}

/** What to answer where no route fits: 405 where the path has other methods, else 404. */
export function unknownRoute(method: string, url: string): ProblemError {
  const path = pathOf(url);
  const allowed = [...new Set(routesAt(path).map((route) => route.method))];
  if (allowed.length === 0)
    return new ProblemError("routeUnknown", `there is no ${JSON.stringify(path.slice(0, 200))} here`);
  return new ProblemError("methodNotAllowed", `${path.slice(0, 200)} takes ${allowed.join(", ")}, not ${method}`, {
    headers: { allow: allowed.join(", ") },
  });
}
