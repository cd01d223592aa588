/** Programs that some tests need and that no npm package carries. */
export type Prerequisite = {
  readonly name: string;
  /** The names that the program may have; the first one found on PATH is used. */
  readonly programs: readonly [string, ...string[]];
  /** Its packages in Debian, with a space between them. */
  readonly debian: string;
  /** What happens where it is missing. Default: the tests that need it are skipped. */
  readonly without?: string;
};

export const prerequisites: readonly Prerequisite[] = [
  { name: "chromium", programs: ["chromium", "chromium-browser", "google-chrome"], debian: "chromium" },
  {
    name: "chromium-headless-shell",
    programs: ["chromium-headless-shell", "chrome-headless-shell"],
    debian: "chromium-headless-shell",
    without: "the tests of pages run in chromium, and take longer",
  },
  { name: "node", programs: ["node"], debian: "nodejs" },
  { name: "npm", programs: ["npm"], debian: "npm" },
  { name: "curl", programs: ["curl"], debian: "curl" },
  { name: "nginx", programs: ["nginx", "/usr/sbin/nginx"], debian: "nginx-light" },
  { name: "nats-server", programs: ["nats-server", "/usr/sbin/nats-server"], debian: "nats-server" },
  // Tests use its library to count the cost of a statement.
  { name: "sqlite3", programs: ["sqlite3"], debian: "sqlite3" },
  // The example of a client in another language.
  { name: "python3", programs: ["python3"], debian: "python3" },
  { name: "gcc", programs: ["gcc", "cc"], debian: "gcc libc6-dev" },
];

/** Programs that only `bun run test:browsers` needs: other browsers, and a display for the one that cannot do without. */
export const browserPrerequisites: readonly Prerequisite[] = [
  { name: "firefox", programs: ["firefox-esr", "firefox"], debian: "firefox-esr" },
  { name: "webkit", programs: ["WebKitWebDriver"], debian: "webkit2gtk-driver" },
  { name: "xvfb", programs: ["xvfb-run"], debian: "xvfb xauth" },
  { name: "dbus", programs: ["dbus-run-session"], debian: "dbus" },
];

/** Where the program is, or null. */
export function pathOf({ programs }: Prerequisite): string | null {
  for (const program of programs) {
    const path = Bun.which(program);
    if (path !== null) return path;
  }
  return null;
}

/** Installs missing programs if that needs no password; resolves to those that are still missing. */
export async function provide(wanted: readonly Prerequisite[] = prerequisites): Promise<readonly Prerequisite[]> {
  const isMissing = (prerequisite: Prerequisite): boolean => pathOf(prerequisite) === null;
  const missing = wanted.filter(isMissing);
  const install = missing.length === 0 ? null : aptCommand();
  if (install === null) return missing;
  console.error(`Installing ${missing.map(({ name }) => name).join(", ")} through apt-get`);
  await run([...install, "update", "-qq"]);
  // One by one: a package that does not exist here must not keep the others away.
  for (const { debian } of missing)
    await run([...install, "install", "-y", "-qq", "--no-install-recommends", ...debian.split(" ")]);
  return missing.filter(isMissing);
}

/** The words before `update`; null where one may not or cannot. */
function aptCommand(): readonly string[] | null {
  if (Bun.which("apt-get") === null) return null;
  const command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"];
  if (process.getuid?.() === 0) return command;
  // A CI's runner may often do this without a password; a person's machine is left alone.
  return process.env["CI"] === "true" && Bun.which("sudo") !== null ? ["sudo", "-n", ...command] : null;
}

async function run(command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: 2 });
  const exitCode = await child.exited;
  if (exitCode !== 0) console.error(`${command.join(" ")} exited with code ${exitCode}`);
}
