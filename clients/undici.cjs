/**
 * As much of undici as Forge uses, and loaded when it is. Its index loads fetch, WebSocket, caches and mocks too, and through
 * `Headers` Node's own copy of undici: 7 MiB in each of Forge's programs with nothing of it called.
 */
const lazily = (name, get) => Object.defineProperty(exports, name, { enumerable: true, get });

lazily("Agent", () => undici().Agent);
lazily("Client", () => undici().Client);
lazily("Pool", () => undici().Pool);
lazily("buildConnector", () => require("undici/lib/core/connect.js"));
lazily("errors", () => require("undici/lib/core/errors.js"));

exports.request = (url, { dispatcher = undici().getGlobalDispatcher(), method = "GET", ...options } = {}) => {
  const { origin, pathname, search } = new URL(url);
  return dispatcher.request({ ...options, method, origin, path: pathname + search });
};

let loaded;

function undici() {
  if (loaded) return loaded;
  // As the index does it: `request` and its like are methods of every dispatcher.
  Object.assign(require("undici/lib/dispatcher/dispatcher.js").prototype, require("undici/lib/api/index.js"));
  loaded = {
    Agent: require("undici/lib/dispatcher/agent.js"),
    Client: require("undici/lib/dispatcher/client.js"),
    Pool: require("undici/lib/dispatcher/pool.js"),
    getGlobalDispatcher: require("undici/lib/global.js").getGlobalDispatcher,
  };
  return loaded;
}
