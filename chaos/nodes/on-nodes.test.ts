import { onNodes } from "./on-nodes";

it("says that its folder is too long a path for Nomad's sockets: Forge's programs found no secrets in one, and nothing said so", async () => {
  const folder = "/tmp/fb-PNzege/forge-bench-2mK8vk";
  await expect(onNodes([], { folder, say: () => undefined })).rejects.toThrow(
    `${folder} is too long for Nomad's sockets: 28 characters at most`,
  );
});
