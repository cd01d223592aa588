import { dependencies } from "../../package.json";
import { describeWhere } from "../support/prerequisite.ts";
import { run } from "./built.ts";
import { onceInRun, runFolder } from "./once-in-run.ts";

/** An app cannot be made without the package's dependencies: npm has them in its cache, or the registry answers. */
async function canInstall(): Promise<boolean> {
  if (Bun.which("npm") === null) return false;
  const { jose } = dependencies;
  const command = ["npm", "view", `jose@${jose}`, "version", "--prefer-offline", "--fetch-retries=0"];
  return await run(command, import.meta.dir).then(
    () => true,
    () => false,
  );
}

const isPossible = await (runFolder === undefined ? canInstall() : onceInRun("can-install", canInstall));

/** A group of tests that install packages into their own app. */
export function describeInstalled(title: string, tests: () => void): void {
  describeWhere(isPossible, "npm with a registry that answers", title, tests);
}
