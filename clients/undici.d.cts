import type { Dispatcher } from "undici";

export { Agent, Client, Pool, buildConnector, errors, type Dispatcher } from "undici";

/** One call. @param options `dispatcher`: whose connections; unless told those that all such calls share */
export function request(
  url: string,
  options?: Partial<Omit<Dispatcher.RequestOptions, "origin" | "path">> & { readonly dispatcher?: Dispatcher },
): Promise<Dispatcher.ResponseData>;
