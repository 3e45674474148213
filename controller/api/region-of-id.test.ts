import fc from "fast-check";
import { regionOfId } from "./region-of-id";

const regions = ["us", "us-east", "us-east-1", "eu"].map((name) => ({ name }));

describe("the region of an id", () => {
  it.each([
    ["srv-us-4k2m", "us"],
    ["srv-us-east-4k2m", "us-east"],
    ["ses-us-east-1-4k2m", "us-east-1"],
    ["que-us-east-1", "us-east"],
    ["dec-eu-1", "eu"],
    ["srv-ap-1", undefined],
    ["srv-eu", undefined],
    ["srv-europe-1", undefined],
    ["srv", undefined],
    ["", undefined],
  ])("%s is %p", (id, region) => {
    expect(regionOfId(id, regions)).toBe(region);
  });

  it("is the one that it was made for, whatever the others are called", () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,4}(-[a-z0-9]{1,4}){0,3}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.stringMatching(/^[0-9a-f]{16}$/),
        (names, pick, random) => {
          const region = names[pick % names.length] ?? "";
          expect(
            regionOfId(
              `srv-${region}-${random}`,
              names.map((each) => ({ name: each })),
            ),
          ).toBe(region);
        },
      ),
    );
  });
});
