/** Drawing area of one panel, in units of its SVG, which scales. */
export const WIDTH = 300;
export const HEIGHT = 250;
/** Room for axis labels, pixels. */
const MARGIN = { left: 46, right: 10, top: 18, bottom: 30 };
/** An axis may grow this much to show the dense model; beyond that its distance is written at the edge. */
const DENSE_REACH = 2.2;

/** What the vertical axis has to hold besides the dots. */
export interface Scale {
  /** The uncompressed model's value; undefined: none to draw. */
  dense: number | undefined;
  /** Smallest extent of the vertical axis, so that rounding errors don't look like results. */
  minimumExtent: number;
  /** Of the dense model's label. */
  decimals: number;
  /** Below which there are no values; left out: there may be. */
  least?: number;
}

/** Labels along the bottom, cut to the room that they have. */
export function categoryAxis(labels: readonly string[]) {
  const room = Math.floor((WIDTH - MARGIN.left - MARGIN.right) / labels.length / 6.4);
  return {
    type: "category",
    data: labels.map((label) => (label.length > room ? `${label.slice(0, Math.max(1, room - 1))}…` : label)),
    axisTick: { show: false },
    axisLine: { lineStyle: { color: "var(--axis)" } },
    axisLabel: { color: "var(--muted)", fontSize: 11, interval: 0, margin: 10 },
  };
}

/** Where the axis begins and ends, how it is labelled, and how the dense model shows on it. */
export function verticalAxis(
  values: readonly number[],
  { dense, minimumExtent, decimals, least = Number.NEGATIVE_INFINITY }: Scale,
) {
  const own = widen(extentOf(values.length > 0 ? values : [dense ?? 0]), minimumExtent);
  const reference = dense !== undefined && Number.isFinite(dense) ? dense : undefined;
  const both = reference === undefined ? own : extentOf([...own, reference]);
  const fits = both[1] - both[0] <= DENSE_REACH * (own[1] - own[0]);
  const [low, high] = fits ? both : reference === undefined ? own : roomBeyond(own, reference);
  const step = niceStep((high - low) / 4);
  const [min, max] = [Math.max(least, Math.floor(low / step) * step), Math.ceil(high / step) * step];
  const text = reference === undefined ? "" : reference.toFixed(decimals);
  return {
    option: {
      grid: MARGIN,
      yAxis: {
        type: "value",
        min,
        max,
        interval: step,
        axisLine: { show: false },
        axisTick: { show: false },
        axisLabel: { color: "var(--muted)", fontSize: 11, formatter: tickFormat(step) },
        splitLine: { lineStyle: { color: "var(--grid)" } },
      },
      graphic:
        reference === undefined
          ? []
          : denseLabel(text, fits ? (max - reference) / (max - min) : undefined, reference > max),
    },
    denseLine: (ends: readonly number[]) =>
      reference === undefined || !fits
        ? []
        : [
            {
              type: "line",
              xAxisIndex: 1,
              symbol: "none",
              silent: true,
              data: ends.map((x) => [x, reference]),
              lineStyle: { color: "var(--dense)", width: 1.5, type: [5, 4] },
            },
          ],
  };
}

/** At the dashed line (`depth`: its share of the height from the top), or at the edge behind which the dense model lies. */
function denseLabel(text: string, depth: number | undefined, above: boolean) {
  const height = HEIGHT - MARGIN.top - MARGIN.bottom;
  const edge = above ? 0 : height - 17;
  const line = (depth ?? 0) * height;
  const y = depth === undefined ? edge : line < 16 ? line + 4 : line - 15;
  const arrow = depth === undefined ? (above ? " ↑" : " ↓") : "";
  return [
    {
      type: "text",
      silent: true,
      // Above the dots, with a rim in the card's colour.
      z: 10,
      x: WIDTH - MARGIN.right - 2,
      y: MARGIN.top + y,
      style: {
        text: `dense ${text}${arrow}`,
        fill: "var(--dense)",
        stroke: "var(--card)",
        lineWidth: 4,
        fontSize: 11,
        fontWeight: 600,
        fontFamily: "inherit",
        align: "right",
      },
    },
  ];
}

function extentOf(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

function widen([low, high]: [number, number], minimum: number): [number, number] {
  const padding = Math.max((high - low) * 0.12, (minimum - (high - low)) / 2);
  return [low - padding, high + padding];
}

/** Keeps dots away from the dense model's label at the edge. */
function roomBeyond([low, high]: readonly [number, number], reference: number): [number, number] {
  const room = (high - low) * 0.12;
  return reference > high ? [low, high + room] : [low - room, high];
}

function tickFormat(step: number): (value: number) => string {
  if (step >= 10_000) return (value) => value.toLocaleString("en", { notation: "compact" });
  const decimals = String(Number(step.toPrecision(2))).split(".")[1]?.length ?? 0;
  return (value) => value.toFixed(decimals);
}

/** The next of 1, 2, 2.5, 5, 10 times a power of ten. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 2.5, 5].find((factor) => factor * power >= rough) ?? 10);
}
