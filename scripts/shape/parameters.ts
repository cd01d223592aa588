import {
  isIdentifier,
  isObjectBindingPattern,
  isTypeReferenceNode,
  isVariableDeclaration,
  type ParameterDeclaration,
} from "typescript/unstable/ast";
import { exportsOf, isFunction } from "./declaration.ts";
import { findingAt, type Rule } from "./rule.ts";

const positionalMax = 2;

/**
 * An exported function takes at most two positional arguments, then an object of options: a caller can then read the meaning of each. A function that
 * is declared with the type of a contract has the parameters of the contract.
 */
export const fewParameters: Rule = {
  allowed: {
    "src/protocol/encode.ts encodeChanges": "It runs for each frame, and an object for each would cost an allocation.",
  },
  find: (modules) =>
    modules.flatMap((module) =>
      exportsOf(module.tree).flatMap(({ name, node }) => {
        if (isVariableDeclaration(node) && node.type !== undefined && isTypeReferenceNode(node.type)) return [];
        const declared = isVariableDeclaration(node) ? node.initializer : node;
        if (declared === undefined || !isFunction(declared)) return [];
        const own = declared.parameters.filter((one) => nameOf(one) !== "this");
        const last = own.at(-1);
        const count = last !== undefined && isOptions(last) ? own.length - 1 : own.length;
        if (count <= positionalMax) return [];
        const text = `${count} positional parameters; at most ${positionalMax}, then an object of options`;
        return [findingAt(module, name, node, text)];
      }),
    ),
};

const nameOf = ({ name }: ParameterDeclaration): string | null => (isIdentifier(name) ? name.text : null);

const isOptions = (parameter: ParameterDeclaration): boolean =>
  isObjectBindingPattern(parameter.name) || nameOf(parameter) === "options";
