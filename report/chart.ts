import { LineChart, ScatterChart } from "echarts/charts";
import { GraphicComponent, GridComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { categoryAxis, HEIGHT, type Scale, verticalAxis, WIDTH } from "./axis.js";
import { escapeHtml, type Markup, trusted } from "./markup.js";

use([ScatterChart, LineChart, GridComponent, GraphicComponent, SVGRenderer]);

/** One panel: a column of dots for each source (one dot a set) and one for the noise replicates. */
export interface SpreadPanel extends Scale {
  /** What a screen reader says. */
  description: string;
  columns: readonly SpreadColumn[];
}

export interface SpreadColumn {
  label: string;
  /** One value a set; NaN and infinite ones can't be drawn and are left out. */
  values: readonly number[];
  look: SeriesLook;
}

/** Index of the source's colour and symbol, or the hollow grey of noise replicates. */
export type SeriesLook = number | "noise";

/** One line a source over set sizes or other steps, through the means of its dots. */
export interface SizePanel extends Scale {
  description: string;
  /** Ascending. */
  sizes: readonly number[];
  /** What stands for the sizes along the axis; left out: the numbers. */
  labels?: readonly string[];
  lines: readonly {
    look: SeriesLook;
    dots: readonly { size: number; value: number }[];
    means: readonly (number | null)[];
  }[];
}

export const SYMBOLS = ["circle", "triangle", "diamond", "rect", "roundRect", "pin"] as const;
const PALETTE_SIZE = 8;

/** Colours are the page's CSS variables, so that one drawing serves light and dark. */
export function colourOf(look: SeriesLook): string {
  return look === "noise" ? "var(--noise)" : `var(--source-${look % PALETTE_SIZE})`;
}

function symbolOf(look: SeriesLook): string {
  return look === "noise" ? "circle" : SYMBOLS[look % SYMBOLS.length];
}

/** An SVG of 300 x 250 units that scales with its container. */
export function spreadChart(panel: SpreadPanel): Markup {
  const columns = panel.columns.map((column) => ({ ...column, values: column.values.filter(Number.isFinite) }));
  const axis = verticalAxis(
    columns.flatMap(({ values }) => values),
    panel,
  );
  const dots = columns.map(({ values, look }, x) =>
    scatterOf(
      look,
      values.map((value, i) => [x + sideways(i, values.length), value]),
    ),
  );
  const means = columns.map(({ values, look }, x) => ({
    type: "line",
    xAxisIndex: 1,
    symbol: "none",
    silent: true,
    data: values.length > 1 ? [-0.3, 0.3].map((shift) => [x + shift, averageOf(values)]) : [],
    lineStyle: { color: colourOf(look), width: 2, opacity: 0.45 },
  }));
  return draw(panel.description, {
    ...axis.option,
    xAxis: [
      categoryAxis(columns.map(({ label }) => label)),
      { type: "value", show: false, min: -0.5, max: columns.length - 0.5 },
    ],
    series: [...axis.denseLine([-0.5, columns.length - 0.5]), ...means, ...dots],
  });
}

/** An SVG of 300 x 250 units: set sizes along the horizontal axis, evenly spaced as they are usually powers of two. */
export function sizeChart(panel: SizePanel): Markup {
  const { sizes, lines } = panel;
  const axis = verticalAxis(lines.flatMap(({ dots }) => dots.map(({ value }) => value)).filter(Number.isFinite), panel);
  const series = lines.flatMap(({ look, dots, means }, i) => {
    const shift = sideways(i, lines.length);
    return [
      {
        type: "line",
        xAxisIndex: 1,
        symbol: "none",
        silent: true,
        data: means.map((mean, x) => [x + shift, mean]),
        lineStyle: { color: colourOf(look), width: 1.5 },
      },
      scatterOf(
        look,
        dots
          .filter(({ value }) => Number.isFinite(value))
          .map(({ size, value }) => [sizes.indexOf(size) + shift, value]),
      ),
    ];
  });
  return draw(panel.description, {
    ...axis.option,
    xAxis: [
      categoryAxis(panel.labels ?? sizes.map(String)),
      { type: "value", show: false, min: -0.5, max: sizes.length - 0.5 },
    ],
    series: [...axis.denseLine([-0.5, sizes.length - 0.5]), ...series],
  });
}

function scatterOf(look: SeriesLook, data: readonly (readonly number[])[]) {
  const hollow = look === "noise";
  return {
    type: "scatter",
    xAxisIndex: 1,
    silent: true,
    symbol: symbolOf(look),
    symbolSize: 9,
    data: data.map((point) => [...point]),
    itemStyle: {
      color: hollow ? "var(--card)" : colourOf(look),
      borderColor: hollow ? colourOf(look) : "var(--card)",
      borderWidth: hollow ? 1.6 : 1,
      opacity: 1,
    },
  };
}

/** An SVG of so many units that scales with its container. @param description what a screen reader says */
export function draw(
  description: string,
  option: EChartsCoreOption,
  { width, height } = { width: WIDTH, height: HEIGHT },
): Markup {
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: "inherit" }, ...option });
    return trusted(
      withoutNames(chart.renderToSVGString()).replace(
        "<svg ",
        `<svg role="img" aria-label="${escapeHtml(description)}" `,
      ),
    );
  } finally {
    chart.dispose();
  }
}

/**
 * Leaves out hooks and styles for pointers, which a silent drawing has no use for, and clipping, as all lies inside the axes: their
 * names count up over all drawings of a process, and the same results are to give the same bytes.
 */
function withoutNames(svg: string): string {
  return svg
    .replace(/(opacity="0\.\d{3})\d+/g, "$1")
    .replace(/<(style|defs)\b[\s\S]*?<\/\1>\s*/g, "")
    .replace(/ (class="zr[^"]*"|clip-path="[^"]*"|pointer-events="visible"|ecmeta_\w+="[^"]*")/g, "");
}

/** Sets stand side by side in their order, so that equal values don't hide one another. */
function sideways(index: number, count: number): number {
  return (index - (count - 1) / 2) * Math.min(0.16, 0.6 / count);
}

function averageOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
