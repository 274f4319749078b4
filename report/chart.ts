import { LineChart, ScatterChart } from "echarts/charts";
import { GraphicComponent, GridComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { categoryAxis, HEIGHT, type Scale, verticalAxis, WIDTH } from "./axis.js";
import { escapeHtml, html, type Markup, trusted } from "./markup.js";

use([ScatterChart, LineChart, GridComponent, GraphicComponent, SVGRenderer]);

/** One panel: a column of dots for each source (one dot a set) and one for the noise replicates. */
export interface SpreadPanel extends Scale {
  /** What a screen reader says. */
  description: string;
  columns: readonly SpreadColumn[];
}

interface DotLink extends Partial<DotPlace> {
  shape: string;
}

/** What stands behind a dot: its address on the page, and what is said where a pointer rests on it. */
interface DotPlace {
  anchor: string;
  title: string;
}

export interface Dot extends Partial<DotPlace> {
  /** NaN and infinite ones can't be drawn and are left out. */
  value: number;
}

export interface SpreadColumn {
  label: string;
  /** One a set. */
  dots: readonly Dot[];
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
    dots: readonly (Dot & { size: number })[];
    means: readonly (number | null)[];
  }[];
}

const SYMBOLS = ["circle", "triangle", "diamond", "rect", "roundRect", "pin"] as const;
const PALETTE_SIZE = 8;

/** Colours are the page's CSS variables, so that one drawing serves light and dark. */
function colourOf(look: SeriesLook): string {
  return look === "noise" ? "var(--noise)" : `var(--source-${look % PALETTE_SIZE})`;
}

function symbolOf(look: SeriesLook): (typeof SYMBOLS)[number] {
  return look === "noise" ? "circle" : SYMBOLS[look % SYMBOLS.length];
}

/** An SVG of 300 x 250 units that scales with its container. */
export function spreadChart(panel: SpreadPanel): Markup {
  const columns = panel.columns.map((column) => {
    const dots = column.dots.filter(({ value }) => Number.isFinite(value));
    return { ...column, dots, values: dots.map(({ value }) => value) };
  });
  const axis = verticalAxis(
    columns.flatMap(({ values }) => values),
    panel,
  );
  const scatters = columns.map(({ values, look }, x) =>
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
  const lines = [...axis.denseLine([-0.5, columns.length - 0.5]), ...means];
  return draw(
    panel.description,
    {
      ...axis.option,
      xAxis: [
        categoryAxis(columns.map(({ label }) => label)),
        { type: "value", show: false, min: -0.5, max: columns.length - 0.5 },
      ],
      series: [...lines, ...scatters],
    },
    { links: [...lines.map(() => []), ...columns.map(shapedDots)] },
  );
}

/** An SVG of 300 x 250 units: set sizes along the horizontal axis, evenly spaced as they are usually powers of two. */
export function sizeChart(panel: SizePanel): Markup {
  const { sizes } = panel;
  const lines = panel.lines.map((line) => ({ ...line, dots: line.dots.filter(({ value }) => Number.isFinite(value)) }));
  const axis = verticalAxis(
    lines.flatMap(({ dots }) => dots.map(({ value }) => value)),
    panel,
  );
  const dense = axis.denseLine([-0.5, sizes.length - 0.5]);
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
        dots.map(({ size, value }) => [sizes.indexOf(size) + shift, value]),
      ),
    ];
  });
  return draw(
    panel.description,
    {
      ...axis.option,
      xAxis: [
        categoryAxis(panel.labels ?? sizes.map(String)),
        { type: "value", show: false, min: -0.5, max: sizes.length - 0.5 },
      ],
      series: [...dense, ...series],
    },
    { links: [...dense.map(() => []), ...lines.flatMap((line) => [[], shapedDots(line)])] },
  );
}

function scatterOf(look: SeriesLook, data: readonly (readonly number[])[]) {
  return {
    type: "scatter",
    xAxisIndex: 1,
    silent: true,
    symbol: symbolOf(look),
    symbolSize: SYMBOL_SIZE,
    data: data.map((point) => [...point]),
  };
}

function shapedDots({ look, dots }: { look: SeriesLook; dots: readonly Dot[] }): DotLink[] {
  return dots.map((dot) => ({ ...dot, shape: shapeId(look) }));
}

function shapeId(look: SeriesLook): string {
  return `dot-${look}`;
}

/** The dots of all charts, each once: what charts refer to. @param sources how many there are */
export function dotShapes(sources: number): Markup {
  const looks: SeriesLook[] = [...Array(sources).keys(), "noise"];
  const shapes = looks.map((look) => {
    const paint =
      look === "noise"
        ? html`fill="var(--card)" stroke="${colourOf(look)}" stroke-width="1.6"`
        : html`fill="${colourOf(look)}" stroke="var(--card)"`;
    return html`<g id="${shapeId(look)}" ${paint}>${symbolShape(look)}</g>`;
  });
  return html`<svg width="0" height="0" class="shapes" aria-hidden="true"><defs>${shapes}</defs></svg>`;
}

const SYMBOL_SIZE = 9;

/** Centred on the origin. */
function symbolShape(look: SeriesLook): Markup {
  return look === "noise" ? SHAPES.circle : SHAPES[symbolOf(look)];
}

const SHAPES = {
  circle: html`<circle r="4.5"/>`,
  triangle: html`<path d="M0-5 5 5H-5Z"/>`,
  diamond: html`<path d="M0-6 6 0 0 6-6 0Z"/>`,
  rect: html`<path d="M-4.5-4.5h9v9h-9Z"/>`,
  roundRect: html`<rect x="-4.5" y="-4.5" width="9" height="9" rx="2.5"/>`,
  pin: html`<path d="M0 6-4 0a4 4 0 1 1 8 0Z"/>`,
} satisfies Record<(typeof SYMBOLS)[number], Markup>;

/** One dot, for a legend. */
export function swatch(look: SeriesLook): Markup {
  return html`<svg class="swatch" viewBox="-6 -6 12 12" aria-hidden="true"><use href="#${shapeId(look)}"/></svg>`;
}

export interface DrawOptions {
  /** Of each series' dots, in their order. */
  links?: readonly (readonly DotLink[])[];
  /** Units. */
  width?: number;
  height?: number;
}

/** An SVG that scales with its container. @param description what a screen reader says */
export function draw(
  description: string,
  option: EChartsCoreOption,
  { links = [], width = WIDTH, height = HEIGHT }: DrawOptions = {},
): Markup {
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: "inherit" }, ...option });
    return trusted(
      withoutNames(withLinks(chart.renderToSVGString(), links)).replace(
        "<svg ",
        `<svg role="img" aria-label="${escapeHtml(description)}" `,
      ),
    );
  } finally {
    chart.dispose();
  }
}

/**
 * Makes each dot a link to its cell, drawn once for the whole page (`dotShapes`). The keyboard has such links in the tables:
 * charts would be hundreds of stops on its way.
 */
function withLinks(svg: string, links: readonly (readonly DotLink[])[]): string {
  const symbol =
    /<path [^>]*transform="matrix\([^"]*?([-\d.]+),([-\d.]+)\)"[^>]*ecmeta_series_index="(\d+)" ecmeta_data_index="(\d+)"[^>]*><\/path>/g;
  return svg.replace(symbol, (path, x, y, series, index) => {
    const link = links[Number(series)]?.[Number(index)];
    if (link === undefined) return path;
    const [left, top] = [x, y].map((each) => Number(Number(each).toFixed(1)));
    const dot = `<use href="#${link.shape}" x="${left}" y="${top}"/>`;
    if (link.anchor === undefined) return dot;
    return `<a href="#${link.anchor}" tabindex="-1"><title>${escapeHtml(link.title ?? "")}</title>${dot}</a>`;
  });
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
