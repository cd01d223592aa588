import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultLimits } from "../src/protocol/limits.ts";
import { defaultRates } from "../src/protocol/rates.ts";
import { bodyOf, declarationOf, type Member, membersOf } from "./doc-comments.ts";
import { toTable } from "./page-part.ts";

const root = join(import.meta.dir, "..");
const sourceOf = (file: string): string => readFileSync(join(root, "src", file), "utf8");

/** The options of one function, from their types. */
type Section = {
  readonly title: string;
  readonly about: string;
  readonly types: readonly (readonly [file: string, type: string])[];
};

const sections: readonly Section[] = [
  {
    title: "`createChat(options)`",
    about: "The options of a chat. Only `database` and `authenticate` are required.",
    types: [["chat-options.ts", "ChatOptions"]],
  },
  {
    title: "`database`",
    about:
      "One database for all tenants. [A database for each tenant](database.md) is a function that answers the same.",
    types: [["chat-options.ts", "DatabaseOptions"]],
  },
  {
    title: "`onMessage`",
    about: "One hook, or several: see [hooks](hooks.md).",
    types: [["hook/message-hook.ts", "MessageHook"]],
  },
  {
    title: "`bun(chat, options)`",
    about: "From `tidings/bun`: the options of `Bun.serve`.",
    types: [
      ["adapter/bun.ts", "BunOptions"],
      ["adapter/upgrade.ts", "MountOptions"],
    ],
  },
  {
    title: "`node(chat, options)`",
    about: "From `tidings/node`: the listeners of a server of `node:http`.",
    types: [["adapter/upgrade.ts", "MountOptions"]],
  },
  {
    title: "`deno(chat, options)`",
    about: "From `tidings/deno`: the handler of `Deno.serve`. `hono(chat, upgradeWebSocket)` has no options.",
    types: [["adapter/upgrade.ts", "MountOptions"]],
  },
  {
    title: "`jwt(options)`",
    about: "An `authenticate` that reads JSON Web Tokens: see [authentication](authentication.md).",
    types: [["access/jwt.ts", "JwtOptions"]],
  },
  {
    title: "`nats(options)`",
    about:
      "From `tidings/nats`: see [several nodes](nodes.md). `authenticator`, `pass`, `tls`, `token` and `user` are those of `@nats-io/transport-node`.",
    types: [["bus/nats/nats-config.ts", "NatsOptions"]],
  },
  {
    title: "`fcm(options)`",
    about: "From `tidings/push/fcm`: see [Firebase](firebase.md).",
    types: [["push/provider/fcm.ts", "FcmOptions"]],
  },
  {
    title: "`oneSignal(options)`",
    about: "From `tidings/push/onesignal`: see [OneSignal](onesignal.md).",
    types: [["push/provider/onesignal.ts", "OneSignalOptions"]],
  },
  {
    title: "`webPush(options)`",
    about: "From `tidings/push/webpush`: see [Web Push](web-push.md).",
    types: [
      ["push/provider/vapid-keys.ts", "VapidKeys"],
      ["push/provider/vapid.ts", "VapidOptions"],
      ["push/provider/webpush.ts", "WebPushOptions"],
    ],
  },
  {
    title: "`webhook(options)`",
    about: "From `tidings/push/webhook`: see [webhooks](webhook.md).",
    types: [["push/provider/webhook.ts", "WebhookOptions"]],
  },
];

/** What options are, where that is more than a text or a number. */
const declarations: readonly (readonly [file: string, type: string])[] = [
  ["chat-options.ts", "DatabaseOfTenant"],
  ["store/engine/auth-token.ts", "AuthToken"],
  ["access/authenticate.ts", "Authenticate"],
  ["access/authenticate.ts", "Proof"],
  ["model.ts", "Identity"],
  ["access/policy.ts", "Authorize"],
  ["access/policy.ts", "Action"],
  ["access/policy.ts", "CanSee"],
  ["hub/revalidation.ts", "Revalidate"],
  ["hub/revalidation.ts", "Revalidated"],
  ["access/peer.ts", "TrustProxy"],
  ["protocol/rates.ts", "RateOptions"],
  ["internal/buckets.ts", "Rate"],
  ["push/preview.ts", "OnPush"],
  ["push/preview.ts", "PushDraft"],
  ["hook/message-hook.ts", "AcceptedMessage"],
  ["hook/message-hook.ts", "MessageCall"],
];

/** What `createChat` answers, with what its methods take and answer. */
const chatApi = (): string => {
  const source = sourceOf("chat-api.ts");
  const openings = [...source.matchAll(/^export (?:type \w+ = |interface \w+ )/gm)].map(([opening]) => opening);
  // The chat itself first.
  const ordered = openings.toSorted((a, b) => Number(b.includes(" Chat ")) - Number(a.includes(" Chat ")));
  return ordered.map((opening) => declarationOf(source, opening)).join("\n\n");
};

/** The lines of a type, which may add to others. */
function typeBody(file: string, type: string): readonly string[] {
  const source = sourceOf(file);
  const [opening] = RegExp(`^export type ${type} = (\\w+ & )?\\{$`, "m").exec(source) ?? [];
  if (opening === undefined) throw new Error(`${file} has no type ${type} that is understood`);
  return bodyOf(source, opening);
}

/** Within a cell of a table; what the source names of the documentation is linked. */
const inCell = (text: string): string =>
  text
    .replaceAll("|", "\\|")
    .replaceAll(/\bdocs\/([\w-]+\.md)/g, (_, page: string) => `[${page}](${page})`)
    .replaceAll(/\bPROTOCOL (?=\d)/g, "[PROTOCOL](../src/protocol/PROTOCOL.md) ")
    .replaceAll(/\bSPEC (?=[A-Z]+\d)/g, "[rule](../src/SPEC.md) ");

const code = (text: string): string => `\`${text}\``;

function optionRows({ names, values, isOptional, about }: Member): readonly string[] {
  const need = isOptional ? "" : "**required**. ";
  const types = values.map((value) => value.replaceAll("readonly ", ""));
  return [names.map(code).join(", "), inCell([...new Set(types)].map(code).join(", ")), inCell(`${need}${about}`)];
}

const sectionText = ({ title, about, types }: Section): string =>
  [
    `## ${title}`,
    about,
    toTable(
      ["option", "type", "meaning"],
      types.flatMap(([file, type]) => membersOf(typeBody(file, type))).map(optionRows),
    ),
  ].join("\n\n");

/** A number as a person reads it. */
const shown = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, " ");

/** @throws Error where the table that the source shows is not the one that is in force. */
function limitsText(): string {
  const members = membersOf(bodyOf(sourceOf("protocol/limits.ts"), "export const defaultLimits = {"));
  const missing = Object.keys(defaultLimits).filter((name) => !members.some(({ names }) => names.includes(name)));
  if (missing.length > 0) throw new Error(`src/protocol/limits.ts says nothing of ${missing.join(", ")}`);
  const rows = members.map(({ names, about }) => [
    names.map(code).join(", "),
    names.map((name) => shown(defaultLimits[name as keyof typeof defaultLimits])).join(", "),
    inCell(about),
  ]);
  return toTable(["limit", "default", "meaning"], rows);
}

function ratesText(): string {
  const members = membersOf(bodyOf(sourceOf("protocol/rates.ts"), "export const defaultRates = {"));
  const rows = members.flatMap(({ names, about }) =>
    names.map((name) => {
      const rate = defaultRates[name as keyof typeof defaultRates];
      const cells = [rate.user, rate.address].map((one) =>
        one === null ? "no limit" : `${shown(one.burst)}, then ${shown(one.perS)}/s`,
      );
      return [code(name), ...cells, inCell(about)];
    }),
  );
  return toTable(["rate", "of a user", "of an address", "counted"], rows);
}

/** The page that has every option and limit, from the comments of the source. */
export const referencePage = (): string =>
  `${[
    "# Every option and limit",
    "<!-- Written by scripts/describe.ts from the comments of the source. Do not edit. -->",
    "The environment of the standalone server is on [its own page](server.md).",
    ...sections.map(sectionText),
    "## The chat",
    "The object that `createChat` returns.",
    `\`\`\`typescript\n${chatApi()}\n\`\`\``,
    "## Types",
    `\`\`\`typescript\n${declarations.map(([file, type]) => declarationOf(sourceOf(file), `export type ${type} = `)).join("\n\n")}\n\`\`\``,
    "## `limits`",
    "`createChat({ limits: { heartbeatMs: 20_000 } })` replaces single ones. The end of a name is the unit: `Ms` are milliseconds, `Bytes` are bytes, " +
      "`Max` is a count that is still allowed. A value that is no number from 0, or does not fit the others, is refused with `config_invalid`.",
    limitsText(),
    "## `rates`",
    "The amount that is allowed at once (`burst`), and per second after that (`perS`): see [rate limits](proxies.md#rate-limits).",
    ratesText(),
  ].join("\n\n")}\n`;
