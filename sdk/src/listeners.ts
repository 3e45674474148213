/** Typed listeners by event name; each `on` gives back what takes its listener off again. */
export class Listeners<Events extends object> {
  private readonly lists = new Map<keyof Events, Set<(value: never) => void>>();

  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void {
    const list = this.lists.get(name) ?? new Set();
    this.lists.set(name, list);
    // A wrapper of its own, so that the same function added twice is called twice and taken off one at a time.
    const entry = (value: Events[Name]): void => listener(value);
    list.add(entry);
    return () => void list.delete(entry);
  }

  /** Calls each listener in the order they came; returns how many there were. A listener that throws stops none of the others. */
  emit<Name extends keyof Events>(name: Name, value: Events[Name]): number {
    const list = [...(this.lists.get(name) ?? [])] as ((value: Events[Name]) => void)[];
    for (const listener of list) {
      try {
        listener(value);
      } catch (error) {
        // Thrown where the program's own handlers for uncaught errors see it.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    return list.length;
  }
}
