import { isIdentifier, isVariableDeclaration } from "typescript/unstable/ast";
import { exportsOf, isFunction } from "./declaration.ts";
import { findingAt, type Rule } from "./rule.ts";

const parametersMax = 2;

/** An exported function takes at most two positional arguments, then an object of options: a caller can then read what each of them is. */
export const fewParameters: Rule = {
  allowed: {},
  find: (modules) =>
    modules.flatMap((module) =>
      exportsOf(module.tree).flatMap(({ name, node }) => {
        const declared = isVariableDeclaration(node) ? node.initializer : node;
        if (declared === undefined || !isFunction(declared)) return [];
        const count = declared.parameters.filter((one) => !(isIdentifier(one.name) && one.name.text === "this")).length;
        if (count <= parametersMax) return [];
        const text = `${count} parameters; at most ${parametersMax}, then an object of options`;
        return [findingAt(module, name, node, text)];
      }),
    ),
};
