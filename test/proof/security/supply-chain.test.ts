import { expect, test } from "bun:test";
import { join } from "node:path";
import { plantTree } from "../../support/tree.ts";
import { runtimeDependencies, supplyChainFaults } from "./supply-chain.ts";

const root = join(import.meta.dir, "../../..");

/** The packages that may run scripts at installation without being asked. */
async function trustedUnasked(): Promise<readonly string[]> {
  const child = Bun.spawn([process.execPath, "pm", "default-trusted"], { cwd: root, stdout: "pipe", stderr: "ignore" });
  const text = await child.stdout.text();
  return [...text.matchAll(/^ - (\S+)$/gm)].map(([, name = ""]) => name);
}

test("X11 dependencies are pinned, of one registry, run no scripts, and are the known ones", async () => {
  const trusted = await trustedUnasked();
  expect(trusted.length).toBeGreaterThan(100);
  expect(supplyChainFaults(root, trusted)).toEqual([]);
});

const checksum = `sha512-${"A".repeat(86)}==`;
const dependencies = Object.fromEntries(runtimeDependencies.map((name) => [name, "1.0.0"]));
const good = {
  "package.json": JSON.stringify({ dependencies }),
  "bun.lock": `{\n  "packages": {\n    "jose": ["jose@6.2.17", "", {}, "${checksum}"],\n  }\n}\n`,
  "bunfig.toml": "",
  "node_modules/jose/package.json": JSON.stringify({ name: "jose" }),
};
const faultsOf = (files: Readonly<Record<string, string>>, trusted: readonly string[] = []): readonly string[] => {
  using tree = plantTree({ ...good, ...files });
  return supplyChainFaults(tree.root, trusted);
};

test("control: X11 each way to install other code than the intended one is seen", () => {
  expect(faultsOf({})).toEqual([]);
  const manifest = (more: object) => ({ "package.json": JSON.stringify({ dependencies, ...more }) });
  const lock = (entry: string) => ({ "bun.lock": `{\n  "packages": {\n    ${entry},\n  }\n}\n` });
  const script = { "node_modules/evil/package.json": JSON.stringify({ name: "evil", scripts: { postinstall: "x" } }) };
  const planted: readonly (readonly [string, Readonly<Record<string, string>>, (readonly string[])?])[] = [
    ["ws is ^8.0.0, no exact version", manifest({ devDependencies: { ws: "^8.0.0" } })],
    ["the peer ws is ^8.2.0", manifest({ devDependencies: { ws: "8.1.0" }, peerDependencies: { ws: "^8.2.0" } })],
    ["the peer ws is ^7.0.0", manifest({ devDependencies: { ws: "8.1.0" }, peerDependencies: { ws: "^7.0.0" } })],
    ["the peer ws is >=8.0.0", manifest({ devDependencies: { ws: "8.1.0" }, peerDependencies: { ws: ">=8.0.0" } })],
    ["the peer ws is *", manifest({ devDependencies: { ws: "8.1.0" }, peerDependencies: { ws: "*" } })],
    ["evil is no known runtime dependency", manifest({ dependencies: { ...dependencies, evil: "1.0.0" } })],
    ["evil may run scripts", manifest({ trustedDependencies: ["evil"] })],
    ["package.json has overrides", manifest({ overrides: { jose: "1.0.0" } })],
    [
      "jose comes from https://registry.example/jose",
      lock(`"jose": ["jose@1.0.0", "https://registry.example/jose", {}, "${checksum}"]`),
    ],
    ["jose has no checksum", lock('"jose": ["jose@1.0.0", "", {}, ""]')],
    ["jose is jose@github:evil/jose", lock(`"jose": ["jose@github:evil/jose", "", {}, "${checksum}"]`)],
    ["bunfig.toml names a registry", { "bunfig.toml": '[install]\nregistry = "https://registry.example"\n' }],
    [".npmrc may name another registry", { ".npmrc": "" }],
    ["evil runs postinstall when it is installed", script, ["evil"]],
    ["evil runs postinstall when it is installed", { ...script, ...manifest({ trustedDependencies: ["evil"] }) }],
  ];
  for (const [fault, files, trusted] of planted) expect(faultsOf(files, trusted).join("\n")).toContain(fault);
  // Where no scripts run, having one is no fault.
  expect(faultsOf(script)).toEqual([]);
});
