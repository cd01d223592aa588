import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

/** A message as a client shows or keeps it. */
export type ShownMessage = {
  readonly conversation: string;
  readonly seq: number;
  readonly id: string;
  readonly from: string;
  readonly text: string;
};

/** What a client keeps on its device. */
export type Dump = {
  /** In the order in which it shows them, conversation by conversation. */
  readonly messages: readonly ShownMessage[];
  /** Texts of the user that are not accepted yet, and not refused for good. */
  readonly outbox: readonly { readonly id: string; readonly text: string }[];
};

/** A line that a client prints. */
export type Line =
  | { readonly status: { readonly state: string } }
  | { readonly item: { readonly id: string; readonly state: string; readonly code?: string } }
  | { readonly message: ShownMessage }
  | { readonly dump: Dump }
  | { readonly typing: { readonly user: string; readonly typing: boolean } }
  | { readonly presence: { readonly user: string; readonly state: string } }
  | { readonly error: unknown };

/** A client that runs. */
export interface Program {
  tell(command: object): void;
  /** What it has printed, line by line. */
  lines(): readonly Line[];
  /** Ends it at once, as a crash does. Resolves when it is gone. */
  kill(): Promise<void>;
  /** True: it has ended by itself. */
  hasEnded(): boolean;
  /** Its last words on the standard error, for a report. */
  complaints(): string;
}

/** Where a client connects to, as whom, and where it keeps its data. */
export type Address = {
  readonly url: string;
  readonly user: string;
  readonly token: string;
  /** A folder of this installation: a new start with the same one has its data. */
  readonly storage: string;
};

const complaintCharsMax = 2_000;

export type StartProgram = (address: Address) => Program;

/** Starts a command, in which `{url}`, `{user}`, `{token}` and `{storage}` stand for the address. */
export const startCommand =
  (command: readonly string[]): StartProgram =>
  (address) => {
    const filled = command.map((word) =>
      Object.entries(address).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, value), word),
    );
    const [program = "", ...args] = filled;
    // In a group of its own, so that what it has started ends with it.
    const child = spawn(program, args, {
      detached: true,
      env: {
        ...process.env,
        TIDINGS_URL: address.url,
        TIDINGS_USER: address.user,
        TIDINGS_TOKEN: address.token,
        TIDINGS_STORAGE: address.storage,
      },
    });
    const lines: Line[] = [];
    let complaints = "";
    const complain = (text: string): void => void (complaints = (complaints + text).slice(-complaintCharsMax));
    let state: "running" | "killed" | "ended" = "running";
    const gone = new Promise<void>((resolve) => {
      const end = (): void => {
        if (state === "running") state = "ended";
        resolve();
      };
      child.on("close", end);
      child.on("error", (fault) => {
        complain(fault.message);
        end();
      });
    });
    readLines(child.stdout, (text) => {
      if (state === "killed") return;
      try {
        lines.push(JSON.parse(text) as Line);
      } catch {
        complain(`${text}\n`);
      }
    });
    child.stderr.on("data", (bytes: Buffer) => complain(bytes.toString()));
    // It may end before it has read all.
    child.stdin.on("error", () => {});
    return {
      tell: (order) => void child.stdin.write(`${JSON.stringify(order)}\n`),
      lines: () => lines,
      async kill() {
        if (state === "running") {
          state = "killed";
          try {
            if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
          } catch {
            // It is gone already.
          }
        }
        await gone;
      },
      hasEnded: () => state === "ended",
      complaints: () => complaints.trim().split("\n").slice(-3).join(" / "),
    };
  };

/** Calls `take` with each line. node:readline also ends lines at U+2028, which JSON has unescaped. */
function readLines(source: Readable, take: (line: string) => void): void {
  let rest = "";
  source.setEncoding("utf8");
  source.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") take(line);
  });
}
