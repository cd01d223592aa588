import { posix } from "node:path";
import { exportsOf } from "./declaration.ts";
import type { Module } from "../syntax.ts";
import { findingAt, type Rule } from "./rule.ts";

/** Words that are in no name, each with the words of the glossary (ARCHITECTURE.md) that replace it. */
const words: Readonly<Record<string, string>> = {
  ages: "log age",
  chances: "encryption inputs",
  courier: "delivery",
  debt: "cursor frame",
  draft: "preview",
  drafts: "previews",
  gate: "semaphore, or what it lets through",
  hear: "receive",
  heir: "reserved entry",
  hint: "volatile frame, or commit notice",
  hints: "commit notices",
  knock: "probe",
  lane: "provider queue",
  lanes: "provider queues",
  owe: "cursor frame",
  owing: "cursor frame",
  patience: "breaker options",
  place: "seq, log position, answer slot, entry or address",
  places: "seqs, log positions, answer slots, entries or addresses",
  room: "capacity",
  stir: "mark pending",
  strike: "bad frame",
  strikes: "bad frames",
  tail: "replay",
  tally: "counter",
  tie: "relationship",
  ties: "relationships",
  told: "sent, reported, or cluster message",
};

/** What a user has typed and not sent is a draft, as in every chat. */
const draftsOfUsers = /^src\/(client|react|web)\//;

/** Terms that contain such a word and are right: the table log_place is on disk. */
const terms = /log-place|LogPlace/g;

/** Whole names, each with the one that replaces it. */
const names: Readonly<Record<string, string>> = {
  Follower: "Unacked",
  Look: "PageRead",
  Side: "PageSide",
  Walk: "PageOrder",
  answer: "jsonResponse",
  answerWithin: "withDeadline",
  createFollower: "createUnacked",
  isAlone: "isExclusive",
  mustWait: "retryAfterMs",
  refuseContent: "validateContent",
  sayWhere: "printBanner",
  within: "waitAtMost",
};

/** One word for each thing, in the names that other files and readers meet: exported names, and names of files. */
export const glossary: Rule = {
  allowed: { "src/push/preview.ts PushDraft": "Hosts import this name." },
  find: (modules) =>
    modules.flatMap((module) => [
      ...namesInPath(module),
      ...exportsOf(module.tree).flatMap(({ name, node }) => {
        const better = replacementOf(name, module.file);
        return better === null ? [] : [findingAt(module, name, node, `the glossary says ${better}`)];
      }),
    ]),
};

function namesInPath(module: Module): ReturnType<Rule["find"]> {
  const name = posix.basename(module.file, ".ts");
  const better = replacementOfWords(name, module.file);
  return better === null ? [] : [findingAt(module, name, module.tree, `the glossary says ${better}`)];
}

/** What a name should say; null for a name that is right. */
function replacementOf(name: string, file: string): string | null {
  if (Object.hasOwn(names, name)) return names[name] ?? null;
  if (/^faultOf[A-Z]/.test(name)) return name.replace("faultOf", "validate");
  return replacementOfWords(name, file);
}

function replacementOfWords(name: string, file: string): string | null {
  const isAllowed = (word: string): boolean => /^drafts?$/.test(word) && draftsOfUsers.test(file);
  const word = wordsOf(name.replace(terms, "")).find((one) => Object.hasOwn(words, one) && !isAllowed(one));
  return word === undefined ? null : `${words[word]} for "${word}"`;
}

/** `createPushDraft` and `push-draft` are words in lower case. */
const wordsOf = (name: string): readonly string[] => name.split(/(?=[A-Z])|-/).map((word) => word.toLowerCase());
