import { median, quantile } from "../../scripts/bench/statistics.ts";

export type Point = { readonly at: number; readonly value: number };
export type Trend = {
  /** The median of the slopes between all pairs of points (Theil–Sen): a few outliers do not move it. */
  readonly slope: number;
  /** Within these bounds lies the slope, at about 95 % (Sen 1968, by ranks). */
  readonly low: number;
  readonly high: number;
};

const pointsMax = 400;
/** Of a normal distribution, two-sided. */
const confidence = 1.96;

/** How fast a value changes, in its unit over the unit of `at`. */
export function trendOf(points: readonly Point[]): Trend {
  const step = Math.max(1, Math.ceil(points.length / pointsMax));
  const some = points.filter((_, i) => i % step === 0);
  const slopes = some
    .flatMap((a, i) => some.slice(i + 1).map((b) => (b.value - a.value) / (b.at - a.at)))
    .sort((a, b) => a - b);
  const n = some.length;
  const width = (confidence * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)) / Math.max(1, slopes.length) / 2;
  return {
    slope: median(slopes),
    low: quantile(slopes, Math.max(0, 0.5 - width)),
    high: quantile(slopes, Math.min(1, 0.5 + width)),
  };
}
