/** Imported first: takes away what Hermes and React Native lack (Hermes 0.14, React Native 0.83), so that a use of it throws. */
const lacking: readonly (readonly [holder: object, names: readonly string[]])[] = [
  [Array.prototype, ["toSorted"]],
  [Array, ["fromAsync"]],
  [String.prototype, ["isWellFormed", "toWellFormed"]],
  [Promise, ["withResolvers", "try"]],
  [Object, ["groupBy"]],
  [Map, ["groupBy"]],
  [
    Set.prototype,
    ["union", "intersection", "difference", "symmetricDifference", "isSubsetOf", "isSupersetOf", "isDisjointFrom"],
  ],
  [AbortSignal, ["any", "timeout"]],
  [RegExp, ["escape"]],
  [
    globalThis,
    [
      ...["document", "navigator", "location", "addEventListener", "removeEventListener", "dispatchEvent", "indexedDB"],
      ...["BroadcastChannel", "structuredClone", "TextDecoder", "Iterator", "CompressionStream", "ReadableStream"],
    ],
  ],
];
export const left: string[] = [];
for (const [holder, names] of lacking)
  for (const name of names) {
    Reflect.deleteProperty(holder, name);
    if (name in holder) left.push(name);
  }
// As react-native-get-random-values gives it.
const getRandomValues = crypto.getRandomValues.bind(crypto);
Object.defineProperty(globalThis, "crypto", { value: { getRandomValues } });
