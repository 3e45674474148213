import { KvDocument } from "../controller/adapters/consul/kv-document";
import type { SharedDocument } from "../controller/document";
import type { KeptFleets } from "../controller/fleet-keeper";
import type { VirtualConsul } from "./consul";
import type { ConsulCall } from "./consul-call";

/** Where one controller keeps what it decides of its fleets: the real document, in the modelled Consul's one key. */
export function virtualKept(consul: VirtualConsul, call: ConsulCall): SharedDocument<KeptFleets> {
  // Untyped as JSON is: the real one checks what it is given.
  const kv = {
    json: (_method: string, _path: string, { query, body }: { query: { cas: number }; body: string }) =>
      call("put", () => consul.put(body, query.cas)),
    watch: async () => ({ index: 0, value: await call("get", () => consul.get()) }),
  } as unknown as ConstructorParameters<typeof KvDocument>[0];
  return new KvDocument(kv, "fleets");
}
