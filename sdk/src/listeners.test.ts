import { Listeners } from "./listeners";

interface Events {
  said: string;
}

describe("Listeners", () => {
  it("calls each listener as often as it was added, and not after it was taken off", () => {
    const listeners = new Listeners<Events>();
    const heard: string[] = [];
    const listen = (text: string): void => void heard.push(text);
    const off = listeners.on("said", listen);
    listeners.on("said", listen);
    expect(listeners.emit("said", "a")).toBe(2);
    off();
    expect(listeners.emit("said", "b")).toBe(1);
    expect(heard).toEqual(["a", "a", "b"]);
    expect(listeners.emit("said", "c")).toBe(1);
  });

  it("tells the others when one throws, and the process of the error", () => {
    const queued = jest.spyOn(globalThis, "queueMicrotask").mockImplementation(() => undefined);
    try {
      const listeners = new Listeners<Events>();
      const heard: string[] = [];
      listeners.on("said", () => {
        throw new Error("clumsy");
      });
      listeners.on("said", (text) => heard.push(text));
      listeners.emit("said", "a");
      expect(heard).toEqual(["a"]);
      expect(queued.mock.calls[0]?.[0]).toThrow("clumsy");
    } finally {
      queued.mockRestore();
    }
  });
});
