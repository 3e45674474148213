import { VirtualClock } from "../protocol/virtual-clock";
import { Login, type GrantedToken } from "./login";

/** A login that gives what the test says, or fails. */
function stage(lifeSecs: number | undefined = 60) {
  const clock = new VirtualClock();
  const made = { logins: 0, renewals: 0, fails: false, renewable: true };
  const granted = (token: string): Promise<GrantedToken> =>
    made.fails ? Promise.reject(new Error("Consul is away")) : Promise.resolve({ token, lifeSecs });
  const login = new Login({
    login: () => granted(`token-${(made.logins += 1)}`),
    renew: (token) => {
      made.renewals += 1;
      return made.renewable ? granted(token) : Promise.reject(new Error("not renewable"));
    },
    clock,
    random: () => 1,
  });
  return { clock, made, login };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("a login", () => {
  it("is made once for all who ask at the same time, and lasts", async () => {
    const { login, made, clock } = stage();
    expect(await Promise.all([login.token(), login.token()])).toEqual(["token-1", "token-1"]);
    clock.advance(39_000);
    expect(await login.token()).toBe("token-1");
    expect(made).toMatchObject({ logins: 1, renewals: 0 });
  });

  it("is renewed before it ends without anybody waiting, and made anew where that cannot be done", async () => {
    const { login, made, clock } = stage();
    await login.token();
    clock.advance(41_000);
    expect(await login.token()).toBe("token-1");
    await settled();
    expect(made).toMatchObject({ logins: 1, renewals: 1 });
    expect(login.generation).toBe(1);
    made.renewable = false;
    clock.advance(41_000);
    expect(await login.token()).toBe("token-1");
    await settled();
    expect(await login.token()).toBe("token-2");
    expect(login.generation).toBe(2);
  });

  it("is made anew for a token that was refused", async () => {
    const { login } = stage(undefined);
    const first = await login.token();
    login.refused("another's");
    expect(await login.token()).toBe(first);
    login.refused(first);
    expect(await login.token()).toBe("token-2");
  });

  it("is not tried at every call while it fails, and says why it failed", async () => {
    const { login, made, clock } = stage();
    made.fails = true;
    await expect(login.token()).rejects.toThrow("Consul is away");
    await expect(login.token()).rejects.toThrow("Consul is away");
    expect(made.logins).toBe(1);
    clock.advance(500);
    await expect(login.token()).rejects.toThrow("Consul is away");
    expect(made.logins).toBe(2);
    made.fails = false;
    clock.advance(999);
    await expect(login.token()).rejects.toThrow("Consul is away");
    clock.advance(1);
    expect(await login.token()).toBe("token-3");
  });
});
