import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "bun:test";
import { withoutCheckout } from "../../scripts/packaged-docs.ts";
import { isScript, publishedManifest } from "../../scripts/published-manifest.ts";
import { repositoryAt } from "../../scripts/repository.ts";
import { describeWith } from "../support/prerequisite.ts";
import { type Built, builtPackage, pack, packQuickly, removeBuiltPackage } from "./built.ts";
import { packageFaults } from "./package-faults.ts";

const root = join(import.meta.dir, "../..");
afterAll(removeBuiltPackage);

test("N2 every entry point of the source is one of the package, types first", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Parameters<
    typeof publishedManifest
  >[0];
  const { exports } = publishedManifest(manifest) as { exports: Record<string, object | string> };
  expect(Object.keys(exports)).toEqual(Object.keys(manifest.exports));
  for (const [door, target] of Object.entries(exports)) {
    const path = manifest.exports[door] ?? "";
    if (isScript(path)) expect(target).toBe(path.replace("/src/", "/"));
    else if (door !== "./package.json") expect(Object.keys(target)).toEqual(["types", "default"]);
  }
  expect(exports["./push/service-worker.js"]).toBe("./web/push-worker.js");
  expect(exports["./bun"]).toEqual({ types: "./adapter/bun.d.ts", default: "./adapter/bun.js" });
});

test("N2 an entry point without a source file is refused", () => {
  for (const path of ["./lib/index.ts", "./src/index.js", "./src/web/deep/worker.js"]) {
    const manifest = { name: "x", exports: { ".": path }, bin: {}, sideEffects: [] };
    expect(() => publishedManifest(manifest)).toThrow(`got ${path}`);
  }
});

test("N36 the package names the repository of its source, from the git remote, without credentials", () => {
  const url = "git+https://git.example/chat/tidings.git";
  for (const remote of [
    "https://git.example/chat/tidings",
    "https://git.example/chat/tidings.git",
    "https://somebody:secret@git.example/chat/tidings.git",
    "https://token@git.example:8443/chat/tidings/",
    "ssh://git@git.example:22/chat/tidings.git",
    "git@git.example:chat/tidings.git",
  ])
    expect(repositoryAt(remote)).toEqual({ type: "git", url });
  for (const remote of ["", "/srv/tidings", "../tidings", "file:///srv/tidings", "C:\\tidings"])
    expect(repositoryAt(remote)).toBe(null);
  const manifest = { name: "x", exports: {}, bin: {}, sideEffects: [], repository: { type: "git", url } };
  expect(publishedManifest(manifest)).toMatchObject({ repository: { type: "git", url } });
});

test("N1 the repository itself cannot be published, and the package contains nothing that only the repository needs", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Parameters<
    typeof publishedManifest
  >[0];
  expect(manifest["private"]).toBe(true);
  for (const key of ["private", "scripts", "devDependencies"])
    expect(publishedManifest(manifest)).not.toHaveProperty(key);
});

describeWith("npm", "the package as npm packs it", () => {
  test("N1 N2 N36 contains the built files and nothing else, and has no fault", async () => {
    const built = await builtPackage();
    expect(await packageFaults(built)).toEqual([]);
    for (const path of ["docs/PROTOCOL.md", "docs/mounting.md", "docs/options.md", "docs/schema.sql", "docs/SPEC.md"])
      expect(built.files).toContain(path);
    const readme = readFileSync(join(built.folder, "README.md"), "utf8");
    expect(readme).toContain("](docs/PROTOCOL.md)");
    // The commands of a checkout do not work in an installed package.
    expect(readme).toContain("\nnpm install tidings @hono/node-server ws && npx tidings serve\n");
    expect(readme).toContain("\n## Mount it in your server\n");
    for (const command of ["bun run ", "bun@", "git clone", "Two commands"]) expect(readme).not.toContain(command);
  });

  test("control: N36 a README with another heading of the section is refused, and not published unchanged", () => {
    expect(() => withoutCheckout("# Tidings\n\n## Three commands\n\n## More\n")).toThrow("Two commands");
    expect(() => withoutCheckout("# Tidings\n\n## Two commands\n")).toThrow("Two commands");
  });

  /** The altered text of a file; if it is empty, the file is deleted. */
  type Plant = readonly [path: string, alter: (text: string) => string];

  type Packed = Pick<Built, "tarball" | "files">;

  /** The package with some files more, less or altered. */
  async function withPlants<Answer>(
    plants: readonly Plant[],
    packer: (folder: string, to: string) => Promise<Packed>,
    look: (planted: Built) => Promise<Answer> | Answer,
  ): Promise<Answer> {
    const { folder } = await builtPackage();
    const place = mkdtempSync(join(tmpdir(), "tidings-planted-"));
    try {
      const copy = join(place, "dist");
      cpSync(folder, copy, { recursive: true });
      for (const [path, alter] of plants) {
        const file = join(copy, path);
        const text = await Bun.file(file)
          .text()
          .catch(() => "");
        const altered = alter(text);
        if (altered === "") rmSync(file);
        else writeFileSync(file, altered);
      }
      return await look({ folder: copy, ...(await packer(copy, place)) });
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }

  const faultsWith = async (...plants: readonly Plant[]): Promise<string> =>
    (await withPlants(plants, packQuickly, (planted) => packageFaults(planted, "./node"))).join("\n");

  test("N1 a stray file in the folder is not published", async () => {
    const { files } = await builtPackage();
    expect(await withPlants([["chat.db", () => "secret"]], pack, (planted) => planted.files)).toEqual(files);
  });

  test("control: N1 N2 a file too many or too few, a wrong entry point and a stale import are found", async () => {
    // Each is reported by its own name, so all of them can be planted at once.
    const planted: readonly (readonly [...Plant, fault: string])[] = [
      ["stray.js", () => "export {};", "stray.js does not belong there"],
      ["web/page.js", () => "", "web/page.js is missing"],
      ["docs/PROTOCOL.md", () => "", "docs/PROTOCOL.md is missing"],
      ["docs/http.md", (text) => `${text}[x](nowhere.md)`, "docs/http.md links to nowhere.md, which is not there"],
      [
        "docs/push.md",
        (text) => `${text}[x](http.md#none)`,
        "docs/push.md links to http.md#none, and there is no such",
      ],
      ["web/push-worker.js", () => "", "web/push-worker.js is missing"],
      ["package.json", (text) => text.replace('"jose": ', '"joose": '), "imports jose, which is no dependency"],
      ["index.d.ts", (text) => text.replace("./chat.js", "./chat.ts"), "imports ./chat.ts, which is not there"],
      ["chat.js", (text) => text.replace("./error.js", "./errors.js"), "imports ./errors.js, which is not there"],
    ];
    const found = await faultsWith(...planted.map(([path, alter]): Plant => [path, alter]));
    for (const [, , fault] of planted) expect(found).toContain(fault);
    // The slow tools check only a complete package.
    const none = (text: string): string => text.replace('"./adapter/node.d.ts"', '"./adapter/none.d.ts"');
    const doors = await faultsWith(["package.json", none]);
    expect(doors).toContain("publint: ");
    expect(doors).toContain("attw: ");
  });
});
