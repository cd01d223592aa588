import { expect, test } from "bun:test";
import { nativeSurroundings } from "../../src/react-native/index.ts";
import { fakeClock } from "../support/fake-clock.ts";

/** An app, moved by hand. */
function fakeApp() {
  const clock = fakeClock();
  const listeners = new Set<(state: string) => void>();
  const network = new Set<(state: { isConnected: boolean | null }) => void>();
  const appState = {
    currentState: "active",
    addEventListener(_: "change", listener: (state: string) => void) {
      listeners.add(listener);
      return { remove: () => void listeners.delete(listener) };
    },
  };
  const netInfo = {
    addEventListener(listener: (state: { isConnected: boolean | null }) => void) {
      network.add(listener);
      return () => void network.delete(listener);
    },
  };
  const surroundings = nativeSurroundings({ appState, netInfo, clock });
  const occasions: string[] = [];
  const end = surroundings.on((occasion) => occasions.push(occasion));
  return {
    ...{ clock, surroundings, occasions, end },
    listening: () => listeners.size + network.size,
    move(state: string) {
      appState.currentState = state;
      for (const listener of listeners) listener(state);
    },
    connect(isConnected: boolean | null) {
      for (const listener of network) listener({ isConnected });
    },
  };
}

test("J79 in the background the app is left after a few seconds, and not if it is back by then", async () => {
  const { clock, surroundings, occasions, move, end, listening } = fakeApp();
  move("inactive");
  expect([surroundings.isVisible(), occasions]).toEqual([true, []]);
  move("background");
  await clock.advance(2_999);
  move("active");
  await clock.advance(10_000);
  expect(occasions).toEqual(["hidden", "visible"]);
  move("background");
  expect(surroundings.isVisible()).toBe(false);
  await clock.advance(3_000);
  expect(occasions).toEqual(["hidden", "visible", "hidden", "leaving"]);
  move("background");
  end();
  await clock.advance(10_000);
  expect([occasions.length, listening()]).toEqual([5, 0]);
});

test("J79 a network that is lost or back is reported once, and one that is not known counts as one", () => {
  const { surroundings, occasions, connect } = fakeApp();
  connect(null);
  connect(true);
  expect([surroundings.isOnline(), occasions]).toEqual([true, []]);
  connect(false);
  connect(false);
  expect([surroundings.isOnline(), occasions]).toEqual([false, ["offline"]]);
  connect(true);
  expect([surroundings.isOnline(), occasions]).toEqual([true, ["offline", "online"]]);
});

test("J79 every listener hears of the network, also one that came while it was lost, and none after its end", () => {
  const { surroundings, occasions, connect } = fakeApp();
  const heard: string[] = [];
  const end = surroundings.on((occasion) => heard.push(occasion));
  connect(false);
  const late: string[] = [];
  surroundings.on((occasion) => late.push(occasion));
  connect(false);
  connect(true);
  end();
  connect(false);
  expect([occasions, heard, late]).toEqual([
    ["offline", "online", "offline"],
    ["offline", "online"],
    ["online", "offline"],
  ]);
});
