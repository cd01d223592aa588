import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readConfig } from "../../../src/standalone/config.ts";
import { readParameter } from "../../../src/internal/query-string.ts";
import { connectRaw, type RawClient } from "../../support/client.ts";
import { type RunningServer, startServer } from "../../support/server.ts";
import { hostileNames } from "./hostile-texts.ts";
import { decode, heavyFrames, pollutingFrames, slowFrames } from "./odd-frame.ts";
import { loginMs, loginTimesMax, openCrowd } from "./slow-socket.ts";
import { knock, startWeakServer } from "./target.ts";
import { until } from "../../support/fake-socket.ts";

const id = "01900000-0000-7000-8000-000000000001";
const endId = "01900000-0000-7000-8000-00000000end";

/** The damage that malicious or clumsy clients can do to a server and its other users. */
export function describeHostileClients(): void {
  describe("hostile clients", () => {
    let server: RunningServer;
    let weak: RunningServer;
    const crowd: { end(): void }[] = [];
    beforeAll(async () => {
      [server, weak] = await Promise.all([startServer(), startWeakServer()]);
    });
    afterAll(async () => {
      for (const one of crowd) one.end();
      await Promise.all([server.dispose(), weak.dispose()]);
    });

    /** Sends frames and returns the answer to each. */
    async function exchange(target: RunningServer, frames: readonly string[]): Promise<readonly string[]> {
      const client: RawClient = await connectRaw(target.port, "/ws?user=mallory");
      const isEnd = (text: string): boolean => text.includes(endId);
      const isAnswer = (text: string): boolean => /"type":"(error|pong|rejected|accepted)"/.test(text) && !isEnd(text);
      for (const frame of frames) client.text(frame);
      // Answers keep the order of the frames, so this answer is the last one.
      client.text(JSON.stringify({ type: "ping", id: endId }));
      await until(() => client.texts().some(isEnd) || client.isGone(), "an answer to each frame");
      client.end();
      return client.texts().filter(isAnswer);
    }

    test("X7 names of other alphabets, with blanks, controls or directions belong to no user and no recipient", async () => {
      expect(await namesTaken(server)).toEqual([]);
      const sends = hostileNames.map((to) => JSON.stringify({ type: "send", id, to, text: "x" }));
      for (const answer of await exchange(server, sends))
        expect(JSON.parse(answer)).toMatchObject({ type: "rejected", code: "invalid_recipient" });
    });

    const namesTaken = async (target: RunningServer): Promise<readonly string[]> => {
      const taken: string[] = [];
      for (const name of hostileNames) {
        const encoded = encodeURIComponent(name);
        for (const query of [`user=${encoded}`, `user=alice&tenant=${encoded}`, `user=alice&device=${encoded}`])
          if (![400, 401].includes((await knock(target, {}, `/ws?${query}`)).status)) taken.push(query);
      }
      return taken;
    };

    test("control: X7 a server that takes any short text for a name is seen", async () => {
      expect(await namesTaken(weak)).toContain(`user=${encodeURIComponent("\u0430lice")}`);
    });

    /** The id of the pong for a ping without one, after every attempt to put one into all objects. */
    async function idAfterPollution(target: RunningServer): Promise<unknown> {
      await exchange(target, pollutingFrames);
      const [pong = "{}"] = await exchange(target, ['{"type":"ping"}']);
      return JSON.parse(pong).id;
    }

    test("X8 no frame of the real server's clients changes a prototype", async () => {
      expect(await idAfterPollution(server)).toBeUndefined();
    });

    test("control: X8 a server that merges its input is seen", async () => {
      expect(await idAfterPollution(weak)).toBe("polluted");
    });

    test("X8 neither a query's parameters nor the environment's variables change a prototype", () => {
      const own = Reflect.ownKeys(Object.prototype).length;
      for (const key of ["__proto__", "constructor", "prototype", "constructor.prototype", "__proto__[x]"]) {
        expect(readParameter(`/ws?${key}=x&device=d`, "device")).toBe("d");
        expect(readParameter(`/ws?device=d`, key)).toBeUndefined();
        const env: Record<string, string> = JSON.parse(`{"${key}":"x","PORT":"0"}`);
        expect(Object.keys(readConfig(env))).toEqual(Object.keys(readConfig({})));
      }
      expect(Reflect.ownKeys(Object.prototype)).toHaveLength(own);
      expect(Reflect.get({}, "x")).toBeUndefined();
    });

    test("X9 no frame, however odd, takes longer than 50 ms to be read", async () => {
      expect(slowFrames(decode, 50)).toEqual([]);
      for (const [name, frame] of Object.entries(heavyFrames)) {
        expect(frame.length).toBeLessThanOrEqual(65_536);
        const [answer = "{}"] = await exchange(server, [frame]);
        expect({ name, type: JSON.parse(answer).type }).not.toEqual({ name, type: "accepted" });
      }
    });

    test("control: X9 a decoder that takes time with the square of a frame is seen", () => {
      let seen = 0;
      const careless = (data: string): void => {
        if (!data.startsWith("[[")) return;
        // It scans the rest of the text again and again.
        for (let i = 0; i < data.length; i += 64) for (let j = i; j < data.length; j++) seen += data.charCodeAt(j);
      };
      expect(slowFrames(careless, 50)).not.toEqual([]);
      expect(seen).toBeGreaterThan(0);
    });

    test("X9 odd numbers and keys given twice mean the same as in JSON, and cost other users nothing", async () => {
      const answers = await exchange(server, [
        '{"type":"ping","id":"first","id":"last"}',
        ...["1e999", "-1e999", "9007199254740992", "1e-7", "-1"].map(
          (seq) => `{"type":"read","conversation":"c1","seq":${seq}}`,
        ),
        '{"type":"read","conversation":"c1","seq":-0}',
      ]);
      expect(answers.map((answer) => JSON.parse(answer).code ?? JSON.parse(answer).id)).toEqual([
        "last",
        ...Array.from({ length: 5 }, () => "bad_frame"),
        "not_found",
      ]);
    });

    test("X10 a thousand sockets that never finish their request keep no user out", async () => {
      const before = await loginMs(server, 50);
      crowd.push(await openCrowd(server, 1_000));
      expect(await loginMs(server, 50)).toBeLessThan(loginTimesMax * before);
    });

    test("control: X10 a login that is kept waiting is seen", async () => {
      const before = await loginMs(weak, 50);
      weak.signal("SIGSTOP");
      const waiting = loginMs(weak, 1);
      await Bun.sleep(1.1 * loginTimesMax * before);
      weak.signal("SIGCONT");
      expect(await waiting).toBeGreaterThan(loginTimesMax * before);
    });
  });
}
