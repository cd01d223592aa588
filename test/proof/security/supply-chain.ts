import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The code that runs in production, with the optional peers of adapters. Adding one is a decision: it is trusted with every message. */
export const runtimeDependencies: readonly string[] = [
  "@hono/node-server",
  "@libsql/client",
  "@logtape/logtape",
  "@nats-io/transport-node",
  "@noble/ciphers",
  "hono",
  "jose",
  "libsql",
  "react",
  "valibot",
  "ws",
];

const installScripts = ["preinstall", "install", "postinstall"];
const exactVersion = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
/** The host chooses a peer: `^1.2.3`, or several of these. Both ends of each are tested (N35). */
const peerRange = /^\^\d+\.\d+\.\d+( \|\| \^\d+\.\d+\.\d+)*$/;

type Manifest = {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly trustedDependencies?: readonly string[];
  readonly overrides?: unknown;
  readonly patchedDependencies?: unknown;
};

/** The faults in how a project under `root` installs its dependencies; `runsScripts` lists the packages that run scripts unasked. */
export function supplyChainFaults(root: string, runsScripts: readonly string[]): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  return [...manifestFaults(manifest), ...lockFaults(root), ...scriptFaults(root, manifest, runsScripts)];
}

function manifestFaults(manifest: Manifest): readonly string[] {
  const { dependencies = {}, devDependencies = {}, optionalDependencies = {}, peerDependencies = {} } = manifest;
  const all = { ...dependencies, ...devDependencies, ...optionalDependencies };
  const loose = Object.entries(all).filter(([, version]) => !exactVersion.test(version));
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).sort();
  return [
    ...loose.map(([name, version]) => `package.json: ${name} is ${version}, no exact version`),
    ...Object.entries(peerDependencies)
      .filter(([name, range]) => !peerRange.test(range) || !Bun.semver.satisfies(devDependencies[name] ?? "", range))
      .map(
        ([name, range]) => `package.json: the peer ${name} is ${range}, which leaves out the version that is tested`,
      ),
    ...names
      .filter((name) => !runtimeDependencies.includes(name))
      .map((name) => `package.json: ${name} is no known runtime dependency`),
    ...runtimeDependencies
      .filter((name) => !names.includes(name))
      .map((name) => `package.json: ${name} is listed and not there`),
    ...(manifest.trustedDependencies ?? []).map((name) => `package.json: ${name} may run scripts`),
    ...(["overrides", "patchedDependencies"] as const)
      .filter((key) => manifest[key] !== undefined)
      .map((key) => `package.json has ${key}`),
  ];
}

/** Each package is a line `"name": ["name@version", "registry", …, "sha512-…"]`; an empty registry is the default one. */
function lockFaults(root: string): readonly string[] {
  const text = readFileSync(join(root, "bun.lock"), "utf8");
  const packages = text.slice(text.indexOf('\n  "packages": {'));
  const lines = packages.split("\n").filter((line) => /^ {4}"[^"]+": \[/.test(line));
  const faults = lines.flatMap((line) => {
    const [, name = "", resolved = "", source = ""] = /^ {4}"([^"]+)": \["([^"]+)", "([^"]*)"/.exec(line) ?? [];
    if (name === "") return [`bun.lock: not understood: ${line.trim().slice(0, 80)}`];
    return [
      ...(source === "" ? [] : [`bun.lock: ${name} comes from ${source}`]),
      ...(/@\d+\.\d+\.\d+[\w.+-]*$/.test(resolved) ? [] : [`bun.lock: ${name} is ${resolved}`]),
      ...(/"sha512-[\w+/]{86}=="\],?$/.test(line) ? [] : [`bun.lock: ${name} has no checksum`]),
    ];
  });
  return [
    ...faults,
    ...(lines.length === 0 ? ["bun.lock has no packages"] : []),
    ...[...packages.matchAll(/\b(?:https?|git\+\w+|file|ssh):\/\/[^"]+/g)].map(([url]) => `bun.lock names ${url}`),
    ...(existsSync(join(root, ".npmrc")) ? [".npmrc may name another registry"] : []),
    ...(/registry/.test(readFileSync(join(root, "bunfig.toml"), "utf8")) ? ["bunfig.toml names a registry"] : []),
  ];
}

/** A script runs when its package is trusted: by us, or by the installer unless we forbid it. */
function scriptFaults(
  root: string,
  { trustedDependencies }: Manifest,
  runsScripts: readonly string[],
): readonly string[] {
  const trusted = trustedDependencies ?? runsScripts;
  const manifests = ["node_modules/*/package.json", "node_modules/@*/*/package.json"].flatMap((pattern) => [
    ...new Bun.Glob(pattern).scanSync({ cwd: root, followSymlinks: true }),
  ]);
  if (manifests.length === 0) return ["node_modules has no packages to look at"];
  return manifests.sort().flatMap((path) => {
    const { name, scripts = {} } = JSON.parse(readFileSync(join(root, path), "utf8")) as Manifest & { name: string };
    const found = installScripts.filter((script) => scripts[script] !== undefined);
    return found.length > 0 && trusted.includes(name) ? [`${name} runs ${found.join()} when it is installed`] : [];
  });
}
