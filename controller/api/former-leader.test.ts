import { once } from "node:events";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import type { Readable } from "node:stream";
import { type ApiUnderTest, apiUnderTest } from "./api-under-test";
import { BackendDouble, refused } from "./backend-double";

const LEADS = { leader: true, epoch: 5, ready: true, detail: "leading" };

function standby(leaderUrl?: string): BackendDouble["state"] {
  const state = { leader: false, epoch: 4, ready: true, detail: "standby" };
  return leaderUrl === undefined ? state : { ...state, leaderUrl };
}

/** One that is cut off is like one that takes its time: what was sent to it is neither answered nor refused. */
describe("calls that a standby has passed on to a leader that does not answer", () => {
  let us: ApiUnderTest;
  let former: ApiUnderTest;
  let answerNow: () => void;
  let asked: Promise<void>;
  let stream: Readable | undefined;
  beforeEach(async () => {
    us = apiUnderTest({ backend: new BackendDouble("us") });
    former = apiUnderTest({ backend: new BackendDouble("us") });
    await us.app.listen({ host: "127.0.0.1", port: 0 });
    us.backend.state = standby(await former.app.listen({ host: "127.0.0.1", port: 0 }));
    const answers = new Promise<void>((resolve) => (answerNow = resolve));
    asked = new Promise((resolve) => {
      const late = async () => {
        resolve();
        await answers;
        return refused({ code: "unknownSession", detail: "the former leader's word" });
      };
      former.backend.when("followSession", late).when("endSession", late);
    });
  });
  afterEach(async () => {
    answerNow();
    stream?.destroy();
    await Promise.all([us.app.close(), former.app.close()]);
  });

  const followed = "/v1/sessions/ses-us-1?wait=25";

  it("are answered here once this one leads, where they only ask", async () => {
    const answer = us.call("GET", followed);
    await asked;
    us.backend.changeLeader(LEADS);
    expect((await answer).json()).toMatchObject({ session: { id: "ses-us-1" } });
    expect(us.backend.asked.map(({ command }) => command.type)).toEqual(["followSession"]);
  });

  it("go to the next leader once that is known", async () => {
    const next = apiUnderTest({ backend: new BackendDouble("us") });
    const answer = us.call("GET", followed);
    await asked;
    us.backend.changeLeader(standby(await next.app.listen({ host: "127.0.0.1", port: 0 })));
    expect((await answer).statusCode).toBe(200);
    expect([us.backend.asked.length, next.backend.asked.length]).toEqual([0, 1]);
    await next.app.close();
  });

  it("fail as what may have been done, where they would change something", async () => {
    const answer = us.call("DELETE", "/v1/sessions/ses-us-1");
    await asked;
    us.backend.changeLeader(LEADS);
    expect((await answer).json()).toMatchObject({ code: "regionTimeout", info: { region: "us" } });
    expect(us.backend.asked).toEqual([]);
  });

  it("wait for it while nobody else is known to lead", async () => {
    const answer = us.call("GET", followed);
    await asked;
    us.backend.changeLeader(standby());
    answerNow();
    expect((await answer).json()).toMatchObject({ detail: "the former leader's word" });
  });

  it("wait for it where it is told of once more", async () => {
    const answer = us.call("GET", followed);
    await asked;
    us.backend.changeLeader(us.backend.state);
    answerNow();
    expect((await answer).json()).toMatchObject({ detail: "the former leader's word" });
  });

  it("end in the middle of a stream, which whoever follows it takes up with its last id", async () => {
    const { port } = us.app.server.address() as AddressInfo;
    const headers = { authorization: us.as("viewer"), "last-event-id": "1-0" };
    const call = request({ host: "127.0.0.1", port, path: "/v1/events?region=us", headers }).end();
    [stream] = (await once(call, "response")) as [Readable];
    await once(stream, "data");
    const ended = once(stream, "error");
    stream.resume();
    us.backend.changeLeader(LEADS);
    await ended;
  });
});
