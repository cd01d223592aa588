import { afterEach } from "bun:test";
import { rmSync } from "node:fs";
import { temporaryFolder } from "./server.ts";

/** Makes temporary folders for the tests of a file; each test's folders are removed after it. */
export function testFolders(): () => string {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const folder = temporaryFolder();
    folders.push(folder);
    return folder;
  };
}
