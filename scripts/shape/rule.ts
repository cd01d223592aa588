import type { Node } from "typescript/unstable/ast";
import { lineAt } from "../source.ts";
import type { Module } from "../syntax.ts";

/** Code that breaks a rule. */
export type Finding = {
  /** The file and the name, as the list of exceptions has it: `src/chat.ts createChat`. */
  readonly key: string;
  readonly line: number;
  /** What is wrong, and what to do about it. */
  readonly text: string;
};

/** A rule about the shape of the source. */
export type Rule = {
  /** What each exception is for, by the key of its finding. An exception that no finding needs is an error too. */
  readonly allowed: Readonly<Record<string, string>>;
  readonly find: (modules: readonly Module[]) => readonly Finding[];
};

/** Every finding that is no exception, and every exception without a finding, as lines for people. */
export function violationsOf({ allowed, find }: Rule, modules: readonly Module[]): readonly string[] {
  const findings = find(modules);
  const keys = new Set(findings.map(({ key }) => key));
  return [
    ...findings
      .filter(({ key }) => !(key in allowed))
      .map(({ key, line, text }) => `${key.replace(" ", `:${line} `)}: ${text}`),
    ...Object.keys(allowed)
      .filter((key) => !keys.has(key))
      .map((key) => `${key}: is an exception that nothing needs; remove it from the rule's list`),
  ];
}

export function findingAt({ file, tree }: Module, name: string, node: Node, text: string): Finding {
  return { key: `${file} ${name}`, line: lineAt(tree.text, node.getStart(tree)), text };
}
