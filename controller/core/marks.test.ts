import { Marks } from "./marks";

describe("marks", () => {
  it("keep each once, in order, until they are taken", () => {
    const marks = new Marks<string>();
    for (const name of ["b", "a", "b"]) marks.add(name);
    expect(marks.size).toBe(2);
    expect(marks.take()).toEqual(["b", "a"]);
    expect(marks.size).toBe(0);
    expect(marks.take()).toEqual([]);
  });

  it("take what is marked while the taken are gone through next time", () => {
    const marks = new Marks<string>();
    marks.add("a");
    for (const name of marks.take()) marks.add(name + name);
    expect(marks.take()).toEqual(["aa"]);
  });
});
