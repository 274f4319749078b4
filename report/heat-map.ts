import { HeatmapChart } from "echarts/charts";
import { VisualMapComponent } from "echarts/components";
import { use } from "echarts/core";
import { draw } from "./chart.js";
import { html, type Markup, trusted } from "./markup.js";

use([HeatmapChart, VisualMapComponent]);

const WIDTH = 300;
const ROW = 24;
const MARGIN = { left: 78, right: 8, top: 6, bottom: 34 };
/** Opacity of the least value: it is to be seen that there is one. */
const FAINTEST = 0.06;
const COLOUR = "var(--source-0)";
const BORDER = "var(--card)";
const BORDER_WIDTH = 0.6;

/** Rows of shaded squares, such as linears by blocks. */
export interface HeatMap {
  /** What a screen reader says. */
  description: string;
  rows: readonly string[];
  /** [column][row]; null: nothing is drawn. */
  values: readonly (readonly (number | null)[])[];
  /** Of the shades, which are logarithmic. */
  range: HeatRange;
}

/** Both above 0. */
export type HeatRange = readonly [least: number, most: number];

/** undefined: there is nothing above 0 to shade. */
export function heatRange(values: readonly (number | null)[]): HeatRange | undefined {
  const shaded = values.filter((value) => value !== null && value > 0) as number[];
  if (shaded.length === 0) return undefined;
  return [shaded.reduce((a, b) => Math.min(a, b)), shaded.reduce((a, b) => Math.max(a, b))];
}

/** An SVG 300 units wide. Shades are opacities of one of the page's colours, so that one drawing serves light and dark. */
export function heatMap({ description, rows, values, range }: HeatMap): Markup {
  const cells = values.flatMap((column, x) =>
    column.flatMap((value, y) => (value === null ? [] : [[x, y, depthOf(value, range)]])),
  );
  const axis = { type: "category", axisTick: { show: false }, axisLine: { show: false }, splitLine: { show: false } };
  const label = { color: "var(--muted)", fontSize: 11 };
  const drawing = draw(
    description,
    {
      grid: MARGIN,
      xAxis: {
        ...axis,
        data: values.map((_, block) => String(block)),
        name: "block",
        nameLocation: "middle",
        nameGap: 22,
        nameTextStyle: label,
        axisLabel: { ...label, interval: (block: number) => block % labelStep(values.length) === 0 },
      },
      yAxis: { ...axis, data: [...rows], inverse: true, axisLabel: { ...label, interval: 0 } },
      visualMap: { show: false, min: 0, max: 1, inRange: { opacity: [FAINTEST, 1] } },
      series: [
        {
          type: "heatmap",
          silent: true,
          data: cells,
          itemStyle: { color: COLOUR, borderColor: BORDER, borderWidth: BORDER_WIDTH },
        },
      ],
    },
    { width: WIDTH, height: MARGIN.top + MARGIN.bottom + ROW * rows.length },
  );
  return trusted(sharedPaint(drawing.text));
}

const SQUARE =
  /<path d="M([\d.]+) ([\d.]+)l([\d.]+) 0l0 ([\d.]+)l-\3 0Z" fill="[^"]*"(?: fill-opacity="([\d.]+)")? stroke="[^>]*><\/path>/g;

/** What all squares have in common is said once: a study's heat maps have tens of thousands of them. */
function sharedPaint(svg: string): string {
  const squares = Array.from(svg.matchAll(SQUARE));
  const [first, last] = [squares.at(0), squares.at(-1)];
  if (first === undefined || last === undefined) return svg;
  const end = last.index + last[0].length;
  const short = svg.slice(first.index, end).replace(SQUARE, (_, x, y, width, height, opacity = "1") => {
    return `<path d="M${x} ${y}h${width}v${height}h-${width}Z" opacity="${opacity}"/>`;
  });
  const group = `<g fill="${COLOUR}" stroke="${BORDER}" stroke-width="${BORDER_WIDTH}">`;
  return `${svg.slice(0, first.index)}${group}${short}</g>${svg.slice(end)}`;
}

/** The shades from least to most, as an SVG so that it prints. */
export function heatScale(range: HeatRange, format: (value: number) => string): Markup {
  const steps = 8;
  const squares = Array.from({ length: steps }, (_, i) => {
    const opacity = FAINTEST + ((1 - FAINTEST) * i) / (steps - 1);
    return html`<rect x="${12 * i}" y="0" width="12" height="12" fill="${COLOUR}" fill-opacity="${opacity.toFixed(2)}"/>`;
  });
  return html`<ul class="legend"><li>${format(range[0])} <svg viewBox="0 0 ${12 * steps} 12" width="${12 * steps}" height="12" aria-hidden="true">${squares}</svg> ${format(range[1])}</li></ul>`;
}

/** 0 for the least value, 1 for the most. */
function depthOf(value: number, [least, most]: HeatRange): number {
  if (least === most) return 1;
  return value <= least ? 0 : Math.log(value / least) / Math.log(most / least);
}

/** About eight labels. */
function labelStep(columns: number): number {
  return [1, 2, 5, 10, 20, 50].find((step) => columns / step <= 8) ?? 100;
}
