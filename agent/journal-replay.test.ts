import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import type { RequestBody, ServerReport } from "../protocol/messages";
import { expectedServer, PATIENT, seatRequest, settled, TestNode, ticketOf } from "./test-node";

/**
 * An agent that is killed at any moment: whatever of its journal is there, the next agent knows exactly what this one knew
 * when it had written so much.
 */
const server = fc.constantFrom("s1", "s2");
const session = fc.nat(5).map((of) => `x${of}`);
const generation = fc.integer({ min: 1, max: 3 });

const operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("grant" as const), server, session, generation }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("claim" as const), server, session, generation }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("join" as const), server, session, generation }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave" as const), server, session, generation }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("release" as const), server, session, generation }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("ready" as const), server, session, generation }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), server, session, generation }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("label" as const), server, session, generation }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const), server, session, generation }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("expect" as const), server, session, generation }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lead" as const), server, session, generation }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;

/** What an agent says that it knows, and where its journal ends by then. */
interface Moment {
  readonly bytes: number;
  readonly epoch: number;
  readonly servers: readonly ServerReport[];
}

class Life {
  readonly moments: Moment[] = [];
  private epoch = 1;

  constructor(private readonly node: TestNode) {}

  async run(operations: readonly Operation[]): Promise<void> {
    await this.note();
    for (const one of operations) {
      await this.take(one);
      await this.note();
    }
  }

  async known(): Promise<Omit<Moment, "bytes">> {
    const snapshot = (await this.node.connect()).snapshots[0];
    return { epoch: snapshot?.epoch ?? 0, servers: snapshot?.servers ?? [] };
  }

  private async note(): Promise<void> {
    await settled();
    this.moments.push({ bytes: statSync(journalOf(this.node)).size, ...(await this.known()) });
  }

  private async take(one: Operation): Promise<void> {
    const on = { serverId: one.server, allocationId: "a1" };
    const ask = (body: RequestBody) => this.node.controller.ask(body, this.epoch);
    const call = (method: string, path: string, body: object) => {
      return this.node.gate.call(method, path, body, { serverId: one.server });
    };
    const seats = [seatRequest(one.session, { generation: one.generation })];
    switch (one.do) {
      case "expect":
        await ask({ kind: "expect", server: expectedServer({ ...on, ports: {}, maxPlayers: 3, health: PATIENT }) });
        return void (await call("POST", "/v1/ready", {}));
      case "grant":
        return void (await ask({ kind: "grant", ...on, seats, leaseMs: 30_000 }));
      case "claim":
        return void (await ask({ kind: "claim", ...on, matchId: "m", seats, leaseMs: 30_000 }));
      case "join": {
        const ack = await ask({ kind: "grant", ...on, seats, leaseMs: 30_000 });
        if (ack.ok) await call("POST", "/v1/players/join", { ticket: ticketOf(ack) });
        return;
      }
      case "leave":
        return void (await call("POST", "/v1/players/leave", { playerId: `player-${one.session}` }));
      case "release":
        return void (await ask({
          kind: "release",
          ...on,
          seats: [{ sessionId: one.session, generation: one.generation }],
          reason: "",
        }));
      case "ready":
        return void (await call("POST", "/v1/ready", {}));
      case "close":
        return void (await ask({ kind: "close", ...on, onlyIfEmpty: true }));
      case "label":
        return void (await call("PUT", "/v1/labels", { of: one.session }));
      case "forget":
        return void (await ask({ kind: "forget", ...on }));
      case "lead":
        this.epoch += 1;
        return void (await ask({ kind: "epoch" }));
    }
  }
}

function journalOf(node: TestNode): string {
  return join(node.folder, "seats.journal");
}

test("cut anywhere, a journal gives what was known when it was so long", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 40 }), async (operations) => {
      const node = await TestNode.start();
      const life = new Life(node);
      const servers = (["s1", "s2"] as const).map((name) => ({
        do: "expect" as const,
        server: name,
        session: "",
        generation: 1,
      }));
      await life.run([...servers, ...operations]);
      await node.agent.close();
      const whole = readFileSync(journalOf(node));
      for (const [index, { bytes, ...known }] of life.moments.entries()) {
        const next = life.moments[index + 1]?.bytes ?? bytes;
        // Right after it, and with the begin of what came next.
        for (const cut of new Set([bytes, Math.min(next, bytes + 1), Math.min(next, bytes + 13)])) {
          if (cut === next && next !== bytes) continue;
          writeFileSync(journalOf(node), whole.subarray(0, cut));
          await node.boot();
          expect(await life.known()).toEqual(known);
          await node.agent.close();
        }
      }
      rmSync(node.folder, { recursive: true, force: true });
    }),
    { numRuns: 5 },
  );
});
