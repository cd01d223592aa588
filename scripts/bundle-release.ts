/**
 * Writes the standalone server of a commit as one file, so that tests can run that release where its history is not there, as in a shallow clone.
 *
 *   bun scripts/bundle-release.ts COMMIT FILE
 *
 * Packages stay outside: it uses those that are installed. FILE is compressed with gzip.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkOut } from "../test/support/old-release.ts";

/** The server of a commit as one minified script. */
export async function bundleRelease(commit: string): Promise<string> {
  const { dir, dispose } = checkOut(commit);
  try {
    const { outputs } = await Bun.build({
      entrypoints: [join(dir, "src/server.ts")],
      root: dir,
      target: "bun",
      minify: true,
      packages: "external",
    });
    const [output] = outputs;
    if (output === undefined) throw new Error(`The server of ${commit} was not bundled`);
    return await output.text();
  } finally {
    dispose();
  }
}

if (import.meta.main) {
  const [commit, file] = process.argv.slice(2);
  if (commit === undefined || file === undefined) throw new Error("usage: bun scripts/bundle-release.ts COMMIT FILE");
  writeFileSync(file, Bun.gzipSync(Buffer.from(await bundleRelease(commit)), { level: 9 }));
}
