import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A folder for one run of all tests, which its processes share; absent if a test file runs by itself. */
export const runFolder = process.env["TIDINGS_RUN_FOLDER"];
const lookMs = 50;

/**
 * What several test files need, as JSON: the first process of a run makes it, in a new folder, and the others wait until it exists or has failed.
 * Only for a run with a folder.
 */
export async function onceInRun<Made>(name: string, make: (place: string) => Promise<Made>): Promise<Made> {
  if (runFolder === undefined) throw new Error(`${name}: this run has no folder`);
  const place = join(runFolder, name);
  const [done, failed] = [join(place, "made.json"), join(place, "failed")];
  if (isFirstAt(place))
    try {
      const made = await make(place);
      writeFileSync(`${done}.part`, JSON.stringify(made));
      renameSync(`${done}.part`, done);
    } catch (error) {
      writeFileSync(failed, String(error));
      throw error;
    }
  while (!existsSync(done)) {
    if (existsSync(failed)) throw new Error(`${name} could not be made: ${readFileSync(failed, "utf8")}`);
    await Bun.sleep(lookMs);
  }
  return JSON.parse(readFileSync(done, "utf8")) as Made;
}

function isFirstAt(place: string): boolean {
  try {
    mkdirSync(place);
    return true;
  } catch (error) {
    if (Reflect.get(Object(error), "code") === "EEXIST") return false;
    throw error;
  }
}
