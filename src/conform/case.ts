/** A rule of the protocol that a program shows, by its frames and its answers. */
export type Case<World> = {
  /** Never used for another case: pages and logs cite it. `S-…`: of servers. `C-…`: of clients. */
  readonly id: `${"S" | "C"}-${number}`;
  /** The rule, in a sentence. */
  readonly title: string;
  /** The consequence for people if it does not hold. */
  readonly shows: string;
  /** The section of PROTOCOL.md, for example `4`. */
  readonly section: string;
  /** Resolves if it holds. @throws Failure: it does not. @throws Skip: it cannot be shown here. */
  readonly run: (world: World) => Promise<void>;
};

/** The result of one case. */
export type Result = {
  readonly id: string;
  readonly title: string;
  readonly section: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly detail?: string;
  readonly ms: number;
};

/** The program does not do what the protocol says. */
export class Failure extends Error {
  constructor(text: string, cause?: unknown) {
    super(text, { cause });
    this.name = "Failure";
  }
}

/** The case cannot be shown with what it was given. */
export class Skip extends Error {}
