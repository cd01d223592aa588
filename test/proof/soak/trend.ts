import { median, quantile } from "../../../scripts/bench/statistics.ts";

export type Point = { readonly at: number; readonly value: number };
export type Trend = {
  /** The median of the slopes between all pairs of points (Theil–Sen): a few outliers do not move it. */
  readonly slope: number;
  /** The slope lies within these bounds, at about 95 % (Sen 1968, by ranks). */
  readonly low: number;
  readonly high: number;
};

/**
 * The memory of a process at the end of a cycle wanders: two cycles that are fifty apart are still slightly similar. With noise
 * like the measured one, the interval of 60 points of a quarter of an hour contains the slope in 74 % of all cases, of 20 in
 * 90 %, of 10 in 95 %.
 */
const pointsMax = 10;
/** Of a normal distribution, two-sided. */
const confidence = 1.96;

/** How fast a value changes, in its unit over the unit of `at`. */
export function trendOf(points: readonly Point[]): Trend {
  const some = mediansOf(points, Math.ceil(points.length / pointsMax));
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

/** The interval is valid for independent points, so many points become few: the median of each `length`. */
function mediansOf(points: readonly Point[], length: number): readonly Point[] {
  if (length <= 1) return points;
  return Array.from({ length: Math.floor(points.length / length) }, (_, i) => {
    const block = points.slice(i * length, (i + 1) * length);
    return { at: median(block.map(({ at }) => at)), value: median(block.map(({ value }) => value)) };
  });
}
