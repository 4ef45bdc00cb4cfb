/** The workspace packages as the repository has them. */
import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

test("the image's build has every package before it runs npm ci, which links them", async () => {
  const [before = ""] = (await readFile("Dockerfile", "utf8")).split("RUN npm ci");
  const copied = [...before.matchAll(/^COPY packages\/(\w+)\/package\.json packages\/\1\/$/gm)].map(([, name]) => name);
  expect(copied.sort()).toEqual((await readdir("packages")).sort());
});

test.each(await readdir("packages"))("%s has the root's version, license and range of Node versions", async (name) => {
  const manifestOf = async (path: string) => JSON.parse(await readFile(path, "utf8"));
  const { version, license, engines } = await manifestOf("package.json");
  expect(await manifestOf(`packages/${name}/package.json`)).toMatchObject({
    name: `@finance-service/${name}`,
    version,
    license,
    engines,
  });
  const [text, own] = await Promise.all(["LICENSE", `packages/${name}/LICENSE`].map((path) => readFile(path, "utf8")));
  expect(own?.startsWith(`${text}`)).toBe(true);
});
