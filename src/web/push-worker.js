/**
 * Shows what the server pushes: a service worker, served as it is, or imported into one's own. See docs/web-push.md.
 *
 * It says to the pages in its scope, by `postMessage`:
 *   { type: "tidings.open", conversation, data }   somebody clicked a notification
 *   { type: "tidings.subscription", subscription }  the browser has another subscription: register it
 *
 * @typedef {{ kind: "message" | "clear", conversation: string, seq: number, unread: number, badge: number, tag: string, title: string,
 *   body: string, data: Readonly<Record<string, string>>, options?: { image?: string, sound?: string } }} Push
 */

// In a scope of its own: the script may be one of several in a worker.
(() => {
  /** One push after the other: the shown notifications must not change between reading and showing. */
  let turn = Promise.resolve();

  self.addEventListener("push", (event) => {
    const push = read(event.data);
    if (push === null) return;
    turn = turn.then(() => take(push)).catch(() => {});
    event.waitUntil(turn);
  });

  self.addEventListener("notificationclick", (event) => {
    const { conversation, data } = event.notification.data ?? {};
    if (typeof conversation !== "string") return;
    event.notification.close();
    event.waitUntil(open(conversation, data ?? {}));
  });

  self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

  /** The content of a push; null if it is not from Tidings. */
  function read(data) {
    try {
      const push = data.json();
      const isOurs = push.kind === "message" || push.kind === "clear";
      return isOurs && typeof push.tag === "string" && Number.isSafeInteger(push.seq) ? push : null;
    } catch {
      return null;
    }
  }

  /** @param {Push} push */
  async function take(push) {
    const shown = await self.registration.getNotifications({ tag: push.tag });
    const newest = shown.toSorted((a, b) => seqOf(b) - seqOf(a)).at(0);
    const wasOvertaken = newest !== undefined && seqOf(newest) > push.seq;
    // Not every browser shows a number at the icon, and not every page has an icon.
    if (!wasOvertaken) await self.navigator.setAppBadge?.(push.badge).catch(() => {});
    if (push.kind === "clear") {
      for (const one of shown) if (seqOf(one) <= push.seq) one.close();
      return;
    }
    const isNews = newest === undefined || seqOf(newest) < push.seq;
    // Browsers require a notification for each push. A push that is outdated or repeated shows the present notification again.
    if (isNews) await show(push.title, push.body, push.tag, push, false);
    else await show(newest.title, newest.body, push.tag, newest.data, true);
  }

  async function show(title, body, tag, { conversation, seq, data, options }, isQuiet) {
    await self.registration.showNotification(title || self.location.hostname, {
      body,
      tag,
      // Browsers refuse renotify without a tag.
      renotify: !isQuiet && tag !== "",
      silent: isQuiet || options?.sound === "none",
      data: { conversation, seq, data, ...(options && { options }) },
      ...(typeof data?.icon === "string" && { icon: data.icon }),
      ...(typeof options?.image === "string" && { image: options.image }),
    });
  }

  const seqOf = (notification) => notification.data?.seq ?? 0;

  /** Focuses an open page, or opens one. */
  async function open(conversation, data) {
    const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const pages = all.filter(({ url }) => url.startsWith(self.registration.scope));
    const page =
      pages.find(({ focused }) => focused) ?? pages.find((one) => one.visibilityState === "visible") ?? pages[0];
    if (page === undefined) {
      await self.clients.openWindow(ownAddress(data.url ?? "") ?? self.registration.scope);
      return;
    }
    page.postMessage({ type: "tidings.open", conversation, data });
    await page.focus().catch(() => {});
  }

  /** An address of this origin; null for any other. */
  function ownAddress(url) {
    try {
      const { href } = new URL(url, self.registration.scope);
      return href.startsWith(`${self.location.origin}/`) ? href : null;
    } catch {
      return null;
    }
  }

  /** Subscribes again with the same options. If no page is open to register it, the next one that opens does. */
  async function renew({ newSubscription, oldSubscription }) {
    const { pushManager, scope } = self.registration;
    const options = (newSubscription ?? oldSubscription ?? (await pushManager.getSubscription()))?.options;
    const applicationServerKey = options?.applicationServerKey;
    if (!newSubscription && !applicationServerKey) return;
    const subscription =
      newSubscription ?? (await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey }));
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    for (const page of pages)
      if (page.url.startsWith(scope))
        page.postMessage({ type: "tidings.subscription", subscription: subscription.toJSON() });
  }
})();
