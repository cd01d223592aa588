import { posix } from "node:path";
import {
  isIdentifier,
  isImportDeclaration,
  isNamedImports,
  isStringLiteral,
  isTypeAliasDeclaration,
  isTypeQueryNode,
  isTypeReferenceNode,
  type Node,
  type TypeReferenceNode,
} from "typescript/unstable/ast";
import { exportsOf } from "./declaration.ts";
import type { Module } from "../syntax.ts";
import { findingAt, type Rule } from "./rule.ts";

const { dirname, join } = posix;
const advice = "write the contract as a type with a comment for each method, above its factory";

/**
 * The contract of what crosses a folder is a named type. `ReturnType<typeof createX>` makes its reader read the factory, so it stays inside a folder:
 * neither of an imported factory, nor under a name that another folder imports.
 */
export const namedContracts: Rule = {
  allowed: {},
  find(modules) {
    const crossing = crossingNames(modules);
    return modules.flatMap((module) => [
      ...inferredTypes(module.tree).flatMap(({ node, factory }) => {
        const source = importsAcross(module).find(({ name }) => name === factory)?.source;
        if (source === undefined) return [];
        return [findingAt(module, factory, node, `a ReturnType from ${source}, in another folder: ${advice}`)];
      }),
      ...exportsOf(module.tree).flatMap(({ name, node }) => {
        if (!isTypeAliasDeclaration(node) || !crossing.has(`${module.file} ${name}`)) return [];
        return inferredTypes(node).length > 0
          ? [findingAt(module, name, node, `a ReturnType that other folders import: ${advice}`)]
          : [];
      }),
    ]);
  },
};

type Inferred = { readonly node: Node; readonly factory: string };

/** Each `ReturnType<typeof factory>` in a file or a declaration, also inside other types. */
function inferredTypes(whole: Node): readonly Inferred[] {
  const found: Inferred[] = [];
  const visit = (node: Node): void => {
    const factory = isTypeReferenceNode(node) ? factoryOf(node) : null;
    if (factory !== null) found.push({ node, factory });
    node.forEachChild(visit);
  };
  visit(whole);
  return found;
}

/** The name in `ReturnType<typeof name>`; null for other types. */
function factoryOf({ typeName, typeArguments }: TypeReferenceNode): string | null {
  const [argument] = typeArguments ?? [];
  if (!isIdentifier(typeName) || argument === undefined) return null;
  if (typeName.text !== "ReturnType" || !isTypeQueryNode(argument)) return null;
  return isIdentifier(argument.exprName) ? argument.exprName.text : null;
}

/** A name that a file imports, the one under which it is exported, and the file that exports it. */
type Imported = { readonly name: string; readonly exported: string; readonly source: string };

/** The names that a file imports from other folders of src. */
function importsAcross({ file, tree }: Module): readonly Imported[] {
  const imported: Imported[] = [];
  for (const statement of tree.statements) {
    if (!isImportDeclaration(statement) || !isStringLiteral(statement.moduleSpecifier)) continue;
    const specifier = statement.moduleSpecifier.text;
    const bindings = statement.importClause?.namedBindings;
    if (!specifier.startsWith(".") || bindings === undefined || !isNamedImports(bindings)) continue;
    const source = join(dirname(file), specifier);
    for (const { name, propertyName } of bindings.elements)
      imported.push({ name: name.text, exported: (propertyName ?? name).text, source });
  }
  return imported.filter(({ source }) => dirname(source) !== dirname(file));
}

/** The exports that a file of another folder imports, as `src/hub/hub.ts Hub`. */
function crossingNames(modules: readonly Module[]): ReadonlySet<string> {
  return new Set(modules.flatMap(importsAcross).map(({ source, exported }) => `${source} ${exported}`));
}
