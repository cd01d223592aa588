import type { Client } from "../client/index.ts";
import { notifyState } from "./notify.ts";

export type PushOptions = {
  readonly client: Client;
  /** Names the user among those of this browser. */
  readonly owner: string;
  /** Where the server names its push providers to this user. */
  readonly providersHref: string;
  /** Shows the conversation of a notification that was clicked. */
  readonly onOpen: (conversation: string) => void;
};

type Policy = { createScriptURL(url: string): string };
type TrustedTypes = { createPolicy(name: string, rules: Policy): Policy };
type Providers = { readonly providers: readonly { readonly name: string; readonly publicKey?: string }[] };
type FromWorker = {
  readonly type?: string;
  readonly conversation?: string;
  readonly subscription?: Readonly<Record<string, unknown>>;
};

/** The one script that the policy of the page lets it start beside its own (src/standalone/site.ts). */
const workerPath = "/push-worker.js";
let workerUrl: string | null = null;

function trustedWorkerUrl(): string {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  // The policy is made once, and has no other answer.
  workerUrl ??=
    trustedTypes?.createPolicy("tidings-worker", { createScriptURL: () => workerPath }).createScriptURL("") ??
    workerPath;
  return workerUrl;
}

/** Whose pushes this browser gets: it has one subscription for all of its users. */
const ownerKey = "tidings push";

/**
 * Ends the subscription of this browser, also without a network, and what it has shown, unless its owner stays: the messages of one user are not for the next
 * one.
 */
export async function endPush(stays: (owner: string | null) => boolean): Promise<void> {
  if (stays(localStorage.getItem(ownerKey))) return;
  const registration = await (
    navigator as { readonly serviceWorker?: ServiceWorkerContainer }
  ).serviceWorker?.getRegistration();
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
  for (const notification of (await registration?.getNotifications()) ?? []) notification.close();
  localStorage.removeItem(ownerKey);
}

/** Registers this browser with the server's Web Push, if it has one and the user wants notifications. It is safe to repeat. */
export async function registerPush({ client, owner, providersHref }: PushOptions): Promise<void> {
  if (notifyState() !== "on" || !("serviceWorker" in navigator) || !("PushManager" in globalThis)) return;
  const { providers } = (await (await fetch(providersHref)).json()) as Providers;
  const applicationServerKey = providers.find(({ name }) => name === "webpush")?.publicKey;
  if (applicationServerKey === undefined) return;
  await navigator.serviceWorker.register(trustedWorkerUrl());
  const { pushManager } = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey };
  const subscription = await pushManager.subscribe(options).catch(async () => {
    // The present one was made for other keys.
    await (await pushManager.getSubscription())?.unsubscribe();
    return await pushManager.subscribe(options);
  });
  localStorage.setItem(ownerKey, owner);
  await client.registerPush({ provider: "webpush", subscription: subscription.toJSON() });
}

/** Registers once the page is online, and takes what the worker says. Returns the function that ends this. */
export function startPush(options: PushOptions): () => void {
  const { client, owner, onOpen } = options;
  const ended = endPush((one) => one === owner).catch(() => {});
  // A browser without a push service refuses: the page then notifies by itself only.
  const register = (): void => void ended.then(() => registerPush(options)).catch(() => {});
  const onStatus = (): void => {
    if (client.status.get().state !== "online") return;
    end();
    register();
  };
  const end = client.status.subscribe(onStatus);
  onStatus();
  const onMessage = ({ data }: MessageEvent<FromWorker | null>): void => {
    if (data?.type === "tidings.open" && typeof data.conversation === "string") onOpen(data.conversation);
    if (data?.type === "tidings.subscription" && localStorage.getItem(ownerKey) === owner) register();
  };
  const worker = (navigator as { readonly serviceWorker?: ServiceWorkerContainer }).serviceWorker;
  worker?.addEventListener("message", onMessage);
  worker?.startMessages();
  return () => {
    end();
    worker?.removeEventListener("message", onMessage);
  };
}
