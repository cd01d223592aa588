export type { ChatOptions, DatabaseOfTenant, DatabaseOptions } from "./chat-options.ts";
export type {
  Chat,
  ChatCounts,
  ChatSizes,
  ChatTrouble,
  ConversationQuery,
  Disconnect,
  ExplainedPush,
  MessageQuery,
  Sent,
  ServerSend,
} from "./chat-api.ts";
export type { ChatGroups, GroupCall, GroupChanges, GroupMembers, ServerGroup } from "./chat-groups-api.ts";
export { createChat } from "./chat.ts";
export type { Socket, SocketEvents } from "./connection/socket.ts";
export { ChatError, type ErrorCode, errorCodes } from "./error.ts";
export { createLocalBus, type LocalBus } from "./bus/local-bus.ts";
export type { Transport } from "./bus/transport.ts";
export type { Admission } from "./access/admission.ts";
export type { Authenticate, Proof } from "./access/authenticate.ts";
export { demo } from "./access/demo.ts";
export { jwt, type JwtOptions } from "./access/jwt.ts";
export type { AcceptedMessage, MessageCall, MessageHook } from "./hook/message-hook.ts";
export type { Rate } from "./internal/buckets.ts";
export type { ConversationPage, GroupAnswer, ListedConversation, MessagePage } from "./http/answer-schema.ts";
export type { Peer, TrustProxy } from "./access/peer.ts";
export type { GroupEvent, Identity, Mentions, Role, Session } from "./model.ts";
export type { Action, ActionTarget, Authorize, CanSee, GroupAction, GroupTarget } from "./access/policy.ts";
export type { Revalidate } from "./hub/revalidation.ts";
export { closeCode } from "./protocol/close-code.ts";
export type { ClientFrame, MessageChange, ServerFrame } from "./protocol/frame.ts";
export { defaultLimits, type Limits } from "./protocol/limits.ts";
export type { OnPush, PushDraft } from "./push/preview.ts";
export type { PushOptions } from "./push/options.ts";
export { type PushReason, pushReasons } from "./push/decide.ts";
export type { PushDecision, PushExplanation } from "./push/explain.ts";
export type { PushAddress, PushContext, PushNotice, PushProvider, PushResult } from "./push/provider.ts";
export { defaultRates, type RateOptions, type Rates } from "./protocol/rates.ts";
export { openEngine } from "./store/engine/open.ts";
export type { Engine, Row, Statement, Value } from "./store/engine/engine.ts";
export { bundledMigrations } from "./store/migration/bundled.ts";
export { migrate, pending } from "./store/migration/migrate.ts";
export type { Migration } from "./store/migration/migration.ts";
