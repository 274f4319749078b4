const dark = `
  --page: #0e1319; --card: #161d26; --ink: #e6ebf1; --muted: #98a5b3; --line: #2a3542; --grid: #232d38; --axis: #4a5766;
  --accent: #6db3ff; --dense: #e6ebf1; --noise: #8f9bab; --wash: #1c2530;
  --good: #6fdcaa; --good-wash: #12392a; --bad: #ff9d94; --bad-wash: #47201d; --warn: #f3c969; --warn-wash: #3d3012;
  --source-0: #4aa8e8; --source-1: #ff8a3d; --source-2: #2ec79a; --source-3: #e78fc0;
  --source-4: #dfb53c; --source-5: #8fd0f7; --source-6: #b49be0; --source-7: #a3b0bc;
`;

/**
 * The report's only style sheet: system fonts, light and dark. The sources' colours are Okabe and Ito's, which people with
 * colour blindness tell apart, lightened for dark backgrounds.
 */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #16202b; --muted: #5a6776; --line: #dfe4ea; --grid: #eceff3; --axis: #b6bfca;
  --accent: #0b6bcb; --dense: #16202b; --noise: #7a8694; --wash: #f0f3f7;
  --good: #0a6b44; --good-wash: #ddf3e8; --bad: #a3221a; --bad-wash: #fde6e3; --warn: #7a5200; --warn-wash: #fdf0d0;
  --source-0: #0072b2; --source-1: #d55e00; --source-2: #009e73; --source-3: #c05a94;
  --source-4: #b28600; --source-5: #3a9bd5; --source-6: #7b5ea7; --source-7: #5b6770;
}
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) {${dark}} }
:root[data-theme="dark"] {${dark}}
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
.page { max-width: 1320px; margin: 0 auto; padding: 40px 28px 72px; }
header { position: relative; }
h1, h2, h3, h4, p, figure { margin: 0; }
h1 { font-size: clamp(1.8rem, 1.2rem + 2.2vw, 2.6rem); line-height: 1.15; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h2 { font-size: 1.4rem; letter-spacing: -0.01em; margin: 48px 0 16px; overflow-wrap: anywhere; }
h3 { font-size: 1.06rem; }
h3 small, th small { color: var(--muted); font-weight: 400; }
h3 small { margin-left: 6px; font-size: 0.85rem; }
h4 { font-size: 0.98rem; display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; overflow-wrap: anywhere; }
.overline { color: var(--accent); font-size: 0.8rem; font-weight: 700; letter-spacing: 0.09em; text-transform: uppercase; margin-bottom: 6px; }
.meta { color: var(--muted); margin-top: 8px; }
.lead { font-size: 1.12rem; line-height: 1.6; max-width: 84ch; margin: 20px 0 12px; }
.details { font-size: 0.95rem; margin: 0 0 20px; padding-left: 1.2em; color: var(--muted); }
.details strong { color: var(--ink); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 14px; margin: 26px 0 30px; padding: 0; list-style: none; }
.tiles li, .card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.tiles li { padding: 14px 18px; }
.tiles span { color: var(--muted); font-size: 0.85rem; display: block; }
.tiles strong { font-size: 1.5rem; line-height: 1.3; letter-spacing: -0.01em; font-variant-numeric: tabular-nums; display: block; }
.tiles .pass strong { color: var(--good); }
.tiles .fail strong { color: var(--bad); }
.card { padding: 20px 22px; margin: 0 0 20px; }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 8px 24px; margin-bottom: 14px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0; padding: 0; list-style: none; font-size: 0.88rem; color: var(--muted); }
.legend li { display: flex; align-items: center; gap: 6px; }
.swatch { width: 12px; height: 12px; flex: none; overflow: visible; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(260px, 100%), 1fr)); gap: 20px 18px; }
.panel { min-width: 0; }
.panel > svg { display: block; width: 100%; height: auto; overflow: visible; }
.spread, .note { color: var(--muted); font-size: 0.86rem; font-variant-numeric: tabular-nums; }
.note { margin-top: 12px; max-width: 120ch; }
.table + .note, .note + .table, .note + .note, .note + details { margin-top: 0; }
section > .note { margin-bottom: 20px; }
.chip { display: inline-block; padding: 1px 8px; border-radius: 99px; font-size: 0.76rem; font-weight: 600; line-height: 1.6; white-space: nowrap; background: var(--wash); color: var(--muted); }
.chip.above, .chip.pass { background: var(--good-wash); color: var(--good); }
.chip.unclear { background: var(--warn-wash); color: var(--warn); }
.chip.fail { background: var(--bad-wash); color: var(--bad); }
.table { background: var(--card); border: 1px solid var(--line); border-radius: 12px; margin: 0 0 20px; width: fit-content; min-width: min(640px, 100%); max-width: 100%; }
.scroll { overflow-x: auto; border-radius: 12px; }
.downloads, .filter { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: baseline; padding: 8px 10px; font-size: 0.84rem; color: var(--muted); }
.downloads { border-top: 1px solid var(--grid); }
.downloads::before { content: "Download"; }
.filter { border-bottom: 1px solid var(--grid); }
.downloads a, .downloads button, .filter button { font: inherit; color: var(--accent); background: none; border: 0; padding: 0; text-decoration: underline; text-underline-offset: 2px; cursor: pointer; }
input, select { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--axis); border-radius: 6px; padding: 3px 8px; max-width: 100%; }
.theme { position: absolute; top: 0; right: 0; font-size: 0.84rem; color: var(--muted); }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 14px; top: 10px; padding: 6px 12px; background: var(--card); z-index: 2; }
a { color: var(--accent); }
td a, tbody th a { color: inherit; text-decoration: none; }
td a:hover, tbody th a:hover { text-decoration: underline; }
tbody th a { text-decoration: underline dotted var(--axis); text-underline-offset: 3px; }
.shapes { position: absolute; }
.panel svg a:hover { stroke: var(--ink); }
.sort { font: inherit; color: inherit; background: none; border: 0; padding: 0; text-align: inherit; cursor: pointer; }
.sort:not(:has(small))::after, .sort small::after { content: var(--sorted, "↕"); opacity: var(--sort-opacity, 0.45); margin-left: 4px; font-weight: 400; }
[aria-sort="ascending"] { --sorted: "↑"; --sort-opacity: 1; }
[aria-sort="descending"] { --sorted: "↓"; --sort-opacity: 1; }
#cells .scroll { max-height: 80vh; overflow: auto; }
#cells thead th { position: sticky; top: 0; background: var(--card); z-index: 1; box-shadow: 0 1px var(--line); }
#cells thead th:first-child { z-index: 2; }
#cells td:nth-child(-n+3), #cells td:nth-last-child(-n+2), .pending td, #cells .failed td, #cells .skipped td { text-align: left; }
#cells td:nth-last-child(-n+2) { max-width: 11em; overflow: hidden; text-overflow: ellipsis; font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.85em; }
#cells table.through tbody:not(:last-child) { display: none; }
tr:target > *, tbody:target > tr > * { background: var(--warn-wash) !important; }
.pending th, .pending td, .failed td, .skipped td { color: var(--muted); font-style: italic; font-weight: 400; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 14px 10px 8px; font-weight: 600; font-size: 0.95rem; }
th, td { padding: 7px 10px; text-align: right; white-space: nowrap; border-top: 1px solid var(--grid); }
.text { text-align: left; }
td.message { white-space: normal; min-width: 18em; max-width: 60em; }
td small, sup { color: var(--muted); }
caption span { display: inline-block; position: sticky; left: 10px; max-width: calc(100vw - 60px); }
thead th { white-space: normal; color: var(--muted); font-weight: 600; border-top: 0; border-bottom: 1px solid var(--line); vertical-align: bottom; }
thead + tbody > tr:first-child > * { border-top: 0; }
thead td { border-top: 0; border-bottom: 1px solid var(--line); }
thead small { display: block; font-size: 0.78rem; }
th:first-child, thead td:first-child { text-align: left; position: sticky; left: 0; background: var(--card); }
tbody th { font-weight: 500; }
.group th { padding-top: 14px; font-weight: 700; background: var(--wash) !important; }
.dense th, .dense td { font-weight: 600; }
.total th, .total td { font-weight: 600; border-top: 1px solid var(--line); }
.range th, .range td { color: var(--muted); border-top: 0; padding-top: 0; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 12px; margin: 0 0 12px; }
summary { cursor: pointer; padding: 12px 18px; font-weight: 600; }
details > :not(summary) { margin: 0 18px 18px; }
details .table { border-color: var(--grid); }
pre { overflow-x: auto; padding: 14px 16px; background: var(--wash); border-radius: 8px; font: 0.84rem/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 20px; font-size: 0.92rem; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
.alert { width: fit-content; border-left: 4px solid var(--warn); background: var(--warn-wash); color: var(--warn); padding: 8px 16px; border-radius: 6px; margin: 0 0 16px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 640px) {
  .page { padding: 24px 14px 48px; }
  .theme { position: static; display: block; margin-bottom: 12px; }
  .card { padding: 16px 14px; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; }
  .tiles li { padding: 10px 12px; }
  .tiles strong { font-size: 1.25rem; }
  th, td { padding: 6px 8px; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 8px; }
}
@media print {
  body { background: #fff; font-size: 10pt; }
  .page { max-width: none; padding: 0; }
  .theme, .filter, .downloads, .sort::after, .sort small::after, .skip { display: none; }
  .card, .panel, tr { break-inside: avoid; }
  h2, h3, h4, caption, thead { break-after: avoid; }
  thead { display: table-header-group; }
  section { break-before: auto; }
  .scroll, #cells .scroll { overflow: visible; max-height: none; }
  table { font-size: 7pt; }
  th, td { padding: 3px 5px; white-space: normal; position: static !important; }
  a { color: inherit; text-decoration: none; }
}
`;
