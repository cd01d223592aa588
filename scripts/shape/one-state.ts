import {
  isIdentifier,
  isVariableDeclarationList,
  type Node,
  NodeFlags,
  SyntaxKind,
  type VariableDeclaration,
} from "typescript/unstable/ast";
import { functionsOf, isFunction } from "./declaration.ts";
import { findingAt, type Rule } from "./rule.ts";

/**
 * A function, or a file, has at most one variable that is true or false. Two of them have four combinations, of which some cannot be meant: a
 * discriminated union names those that can.
 */
export const oneState: Rule = {
  allowed: {},
  find: (modules) =>
    modules.flatMap((module) =>
      [{ name: "(file)", body: module.tree as Node }, ...functionsOf(module.tree)].flatMap(({ name, body }) => {
        const [first, ...others] = flagsOf(body);
        if (first === undefined || others.length === 0) return [];
        const names = [first, ...others].map((flag) => (isIdentifier(flag.name) ? flag.name.text : "a pattern"));
        return [findingAt(module, name, first, `${names.join(", ")} are one state: make it a discriminated union`)];
      }),
    ),
};

/** The changeable booleans of a function itself, in all of its blocks; those of the functions in it are their own. */
function flagsOf(body: Node): readonly VariableDeclaration[] {
  const flags: VariableDeclaration[] = [];
  const visit = (node: Node): void => {
    if (isFunction(node)) return;
    if (isVariableDeclarationList(node) && (node.flags & NodeFlags.Let) !== 0)
      flags.push(...node.declarations.filter(isFlag));
    node.forEachChild(visit);
  };
  body.forEachChild(visit);
  return flags;
}

function isFlag({ name, type, initializer }: VariableDeclaration): boolean {
  if (type !== undefined) return type.kind === SyntaxKind.BooleanKeyword;
  const isLiteral = initializer?.kind === SyntaxKind.TrueKeyword || initializer?.kind === SyntaxKind.FalseKeyword;
  return isLiteral || (isIdentifier(name) && /^(is|has)[A-Z]/.test(name.text));
}
