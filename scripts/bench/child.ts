import { fileURLToPath } from "node:url";

/** The path of a script beside this one. */
export const scriptPath = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * Runs a script of this folder in a process of its own and returns the JSON that it printed.
 * It is killed once `timeoutMs` has passed.
 */
export async function runChild<Answer>(script: string, input: object, timeoutMs: number): Promise<Answer> {
  const child = Bun.spawn([process.execPath, scriptPath(script), JSON.stringify(input)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const output = await new Response(child.stdout).text();
  const code = await child.exited;
  if (code !== 0) throw new Error(`${script} ended with code ${code}`);
  return JSON.parse(output) as Answer;
}

/** The arguments of `runChild` to this process. */
export const childInput = <Input>(): Input => JSON.parse(process.argv[2] ?? "{}") as Input;

export const answer = (value: object): void => void process.stdout.write(JSON.stringify(value));
