import { decodeFrame } from "../../../src/protocol/decode.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";

const bytesMax = defaultLimits.frameBytesMax;
const id = "01900000-0000-7000-8000-000000000001";
const times = (text: string, count: number): string => text.repeat(Math.floor(count));

/** Frames of the greatest size that cost as much as a frame can. */
export const heavyFrames: Readonly<Record<string, string>> = {
  "64 KiB of [": times("[", bytesMax),
  "lists in lists": times("[", bytesMax / 2) + times("]", bytesMax / 2),
  "objects in objects": `${times('{"a":', bytesMax / 6)}1${times("}", bytesMax / 6)}`,
  "a field that is nested": `{"type":"ping","id":${times("[", 32_000)}${times("]", 32_000)}}`,
  "10 000 keys": `{"type":"ping",${Array.from({ length: 7_000 }, (_, i) => `"${i}":1`).join()}}`,
  "one key, again and again": `{"type":"ping"${times(',"id":"x"', 7_000)}}`,
  "one long key": `{"type":"ping","${times("k", 65_000)}":1}`,
  "a text of quotes": JSON.stringify({ type: "send", id, to: "bob", text: times('"', 32_000) }),
  "a text of surrogates": `{"type":"send","id":"${id}","to":"bob","text":"${times("\\ud83d", 10_900)}"}`,
  "a number of 64 000 digits": `{"type":"read","conversation":"c1","seq":${times("9", 64_000)}}`,
  "a fraction of 64 000 digits": `{"type":"read","conversation":"c1","seq":0.${times("1", 64_000)}}`,
  blanks: `${times(" ", bytesMax - 20)}{"type":"ping"}`,
  "a name of 64 000 characters": JSON.stringify({ type: "typing", to: times("a", 65_000), typing: true }),
  "a cursor of 64 000 characters": JSON.stringify({ type: "ack", cursor: times("a", 65_000) }),
};

/** The frames that take a decoder longer than a frame may, and for how long; the best of three tries counts. */
export function slowFrames(decode: (data: string) => unknown, msMax: number): readonly string[] {
  return Object.entries(heavyFrames).flatMap(([name, frame]) => {
    const tries = [1, 2, 3].map(() => {
      const start = performance.now();
      decode(frame);
      return performance.now() - start;
    });
    const ms = Math.min(...tries);
    return ms > msMax ? [`${name} takes ${ms.toFixed(1)} ms`] : [];
  });
}

export const decode = (data: string): unknown => decodeFrame(data, defaultLimits);

/** Inputs that would write `polluted` into every object's prototype if they were merged into one of ours. */
export const pollutingFrames: readonly string[] = [
  '{"type":"ping","__proto__":{"id":"polluted"}}',
  '{"type":"ping","constructor":{"prototype":{"id":"polluted"}}}',
  '{"__proto__":{"id":"polluted","type":"ping"}}',
  '{"type":"ping","id":{"__proto__":{"id":"polluted"}}}',
  '{"type":"ping","id":{"constructor":{"prototype":{"id":"polluted"}}}}',
  `{"type":"send","id":"${id}","to":"bob","text":"x","__proto__":{"id":"polluted"}}`,
  '{"type":"ping","\\u005f_proto__":{"id":"polluted"}}',
  '{"type":"ping","prototype":{"id":"polluted"}}',
];
