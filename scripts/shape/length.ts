import { functionsOf } from "./declaration.ts";
import { findingAt, type Rule } from "./rule.ts";

const linesMax = 120;

/** Functions that wire one thing, with the lines that they may have. */
const longer: Readonly<Record<string, number>> = {
  "src/chat.ts createChat": 150,
  "src/client/client.ts createClient": 150,
};

/** A function fits on a few screens, together with the functions in it. */
export const shortFunctions: Rule = {
  allowed: {},
  find: (modules) =>
    modules.flatMap((module) =>
      functionsOf(module.tree).flatMap(({ name, node }) => {
        const lines = node.getText(module.tree).split("\n").length;
        const max = longer[`${module.file} ${name}`] ?? linesMax;
        return lines > max ? [findingAt(module, name, node, `${lines} lines; at most ${max}`)] : [];
      }),
    ),
};
