import { ChatError } from "../error.ts";
import { isIdentifier, isMessageId, storedMessageId } from "../protocol/identifier.ts";
import { defaultLimits } from "../protocol/limits.ts";
import { explainPush, type PushDecision, type PushExplanation } from "../push/explain.ts";
import { createPushLog } from "../store/push/push-log.ts";
import { command, group } from "./command.ts";
import { databaseArgs, withReader } from "./database.ts";

const explain = command({
  description: "Why the devices of a user were, or were not, notified of a message",
  args: {
    message: { type: "positional", required: true, description: "The message's id" },
    user: { type: "positional", required: true, description: "The recipient" },
    tenant: { type: "string", description: "The tenant of the user", default: "default" },
    json: { type: "boolean", description: "As JSON" },
    ...databaseArgs,
  },
  async run(args) {
    if (!isMessageId(args.message)) throw new ChatError("config_invalid", "The message's id is not a canonical UUID");
    if (!isIdentifier(args.user) || !isIdentifier(args.tenant))
      throw new ChatError("config_invalid", "The user or the tenant is malformed");
    const { message, user, tenant } = args;
    const found = await withReader(args, (engine) =>
      explainPush(createPushLog({ engine, limits: defaultLimits }), { tenant, user, id: storedMessageId(message) }),
    );
    if (found.length === 0) throw new ChatError("not_found", "There is no such message to that user");
    console.log(args.json ? JSON.stringify(found, null, 2) : found.map(textOf).join("\n\n"));
  },
});

export const pushCommand = group("Push notifications", { explain });

const timeOf = (time: number): string => new Date(time).toISOString();

function textOf({ from, conversation, seq, time, decisions, more }: PushExplanation): string {
  const head = `Message ${seq} of ${conversation}, from ${from}, ${timeOf(time)}`;
  const rows = decisions.map(lineOf);
  const list = rows.length === 0 ? ["  no_devices  The user has no device"] : rows;
  return [head, ...list, ...(more ? ["  There are more devices or decisions than these"] : [])].join("\n");
}

function lineOf(decision: PushDecision): string {
  const { device = "(any device)", provider, reason, meaning, time, until, attempts, answer } = decision;
  const target = provider === undefined ? device : `${device} by ${provider}`;
  const facts = [
    time !== undefined && `decided ${timeOf(time)}`,
    until !== undefined && `waits until ${timeOf(until)}`,
    attempts !== undefined && `${attempts} requests before`,
    answer !== undefined && `answer: ${answer}`,
    decision.collapsedInto !== undefined && `included in the notification of message ${decision.collapsedInto}`,
    decision.clearedAt !== undefined && `taken away ${timeOf(decision.clearedAt)}`,
  ].filter((fact) => fact !== false);
  const lines = [`  ${target}: ${decision.decision}, ${reason}. ${meaning}`];
  return (facts.length === 0 ? lines : [...lines, `    ${facts.join("; ")}`]).join("\n");
}
