/**
 * Gives every test `deadline.testMs` in place of Bun's 5 s, so that each file runs alone with plain `bun test FILE`. Bun resets the default for
 * each file, and ignores `[test] timeout` in bunfig.toml: so it is set whenever a test file is resolved. TEST_MS overrides it.
 */
import { setDefaultTimeout } from "bun:test";
import { plugin } from "bun";
import { deadline } from "./deadline.ts";

plugin({
  name: "test timeout",
  setup(build) {
    build.onResolve({ filter: /\.test\.ts$/ }, () => {
      setDefaultTimeout(Number(process.env["TEST_MS"] ?? deadline.testMs));
      return undefined;
    });
  },
});
