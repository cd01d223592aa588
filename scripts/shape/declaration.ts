import {
  isArrowFunction,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isIdentifier,
  isMethodDeclaration,
  isNamedExports,
  isExportDeclaration,
  isPropertyAssignment,
  isVariableDeclaration,
  isVariableStatement,
  isTypeAliasDeclaration,
  isInterfaceDeclaration,
  isClassDeclaration,
  ModifierFlags,
  type ArrowFunction,
  type ConstructorDeclaration,
  type FunctionDeclaration,
  type FunctionExpression,
  type MethodDeclaration,
  type Node,
  type SourceFile,
  type Statement,
} from "typescript/unstable/ast";

type FunctionNode =
  FunctionDeclaration | FunctionExpression | ArrowFunction | MethodDeclaration | ConstructorDeclaration;

/** A function with a body. */
export type NamedFunction = {
  readonly node: FunctionNode;
  /** The names of the functions around it and its own: `createChat.close`; `createChat.anonymous` for one without a name. */
  readonly name: string;
  readonly body: Node;
};

/** All functions of a file, outer ones before inner ones. */
export function functionsOf(tree: SourceFile): readonly NamedFunction[] {
  const functions: NamedFunction[] = [];
  const visit = (node: Node, outer: readonly string[]): void => {
    let path = outer;
    if (isFunction(node) && node.body !== undefined) {
      path = [...outer, ownName(node)];
      functions.push({ node, name: path.join("."), body: node.body });
    }
    node.forEachChild((child) => visit(child, path));
  };
  visit(tree, []);
  return functions;
}

export const isFunction = (node: Node): node is FunctionNode =>
  isFunctionDeclaration(node) ||
  isFunctionExpression(node) ||
  isArrowFunction(node) ||
  isMethodDeclaration(node) ||
  isConstructorDeclaration(node);

function ownName(node: FunctionNode): string {
  if (isConstructorDeclaration(node)) return "constructor";
  if (!isArrowFunction(node) && node.name !== undefined && isIdentifier(node.name)) return node.name.text;
  const { parent } = node;
  const isNamed = isVariableDeclaration(parent) || isPropertyAssignment(parent);
  return isNamed && isIdentifier(parent.name) ? parent.name.text : "anonymous";
}

/** A declaration that a file exports, under the name that others import. */
export type Exported = { readonly name: string; readonly node: Node };

/** What a file exports and declares itself; re-exports are not among it. */
export function exportsOf(tree: SourceFile): readonly Exported[] {
  const declared = new Map(tree.statements.flatMap(declarationsOf).map(({ name, node }) => [name, node]));
  return tree.statements.flatMap((statement) => {
    if (!isExportDeclaration(statement)) return isExported(statement) ? declarationsOf(statement) : [];
    const { exportClause, moduleSpecifier } = statement;
    if (moduleSpecifier !== undefined || exportClause === undefined || !isNamedExports(exportClause)) return [];
    return exportClause.elements.map(({ name, propertyName }) => ({
      name: name.text,
      node: declared.get((propertyName ?? name).text) ?? statement,
    }));
  });
}

const isExported = (statement: Statement): boolean =>
  "modifierFlags" in statement && (Number(statement.modifierFlags) & ModifierFlags.Export) !== 0;

function declarationsOf(statement: Statement): readonly Exported[] {
  if (isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap((node) =>
      isIdentifier(node.name) ? [{ name: node.name.text, node }] : [],
    );
  const isNamed =
    isFunctionDeclaration(statement) ||
    isClassDeclaration(statement) ||
    isTypeAliasDeclaration(statement) ||
    isInterfaceDeclaration(statement);
  return isNamed && statement.name !== undefined ? [{ name: statement.name.text, node: statement }] : [];
}
