import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { blocksOf } from "../docs/block.ts";
import { compile, installQuickly } from "../package/app.ts";
import { removeBuiltPackage } from "../package/built.ts";
import { describeInstalled } from "../package/can-install.ts";

afterAll(removeBuiltPackage);

/** The first types of React 18 in which a component may return every `ReactNode`. */
const packages = ["react@18.2.0", "react-dom@18.2.0", "@types/react@18.2.8", "@types/react-dom@18.2.4"];

describeInstalled("the components of docs/react.md with React 18", () => {
  test("N35 they compile against its types", async () => {
    const app = await installQuickly(packages);
    try {
      const snippets = blocksOf("docs/react.md").filter(({ language }) => language === "tsx");
      expect(snippets.length).toBe(3);
      for (const { info, text } of snippets) writeFileSync(join(app.folder, info.replace("file=", "")), text);
      const compilerOptions = {
        ...{ target: "ES2023", lib: ["ES2023", "DOM"], types: [], strict: true, skipLibCheck: false, jsx: "react-jsx" },
        ...{ module: "ESNext", moduleResolution: "Bundler", noEmit: true },
      };
      writeFileSync(join(app.folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.tsx"] }));
      await compile(app.folder);
    } finally {
      app.remove();
    }
  });
});
