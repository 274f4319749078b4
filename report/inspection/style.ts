/** What pages of sequences have besides the report's style. */
export const inspectionStyle = `
thead th, thead small { white-space: nowrap; }
a { color: var(--accent); }
.back { margin-bottom: 18px; font-size: 0.92rem; }
.filter { position: sticky; top: 0; z-index: 1; background: var(--page); padding: 8px 0 10px; margin-bottom: 8px; border-bottom: 1px solid var(--line); }
.filter fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: 6px; align-items: center; max-height: 30vh; overflow-y: auto; }
.filter fieldset + fieldset { margin-top: 6px; }
.filter legend { float: left; margin-right: 4px; padding: 0; color: var(--muted); font-size: 0.86rem; font-weight: 600; }
.filter label { padding: 3px 11px; border: 1px solid var(--line); border-radius: 99px; background: var(--card); font-size: 0.86rem; cursor: pointer; }
.filter label:has(:checked) { border-color: var(--accent); color: var(--accent); font-weight: 600; }
.filter label:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: 2px; }
.filter input { accent-color: var(--accent); margin: 0 2px 0 0; }
@supports not selector(:has(*)) { .filter { display: none; } }
.set h3 { margin: 22px 0 10px; }
.sequence { content-visibility: auto; contain-intrinsic-block-size: auto 56px; margin-bottom: 6px; border-radius: 8px; scroll-margin-top: 30vh; }
.sequence:target { border-color: var(--accent); }
.sequence summary { padding: 9px 14px; font-weight: 400; line-height: 1.5; overflow-wrap: anywhere; }
.number { font-weight: 700; font-variant-numeric: tabular-nums; }
.place { color: var(--muted); font-size: 0.86rem; margin: 0 6px; }
.excerpt { display: block; color: var(--muted); font-size: 0.88rem; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.sequence[open] .excerpt { display: none; }
.sequence > dl { margin-bottom: 12px; font-size: 0.88rem; }
.window { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 75vh; overflow-y: auto; background: var(--wash); border-radius: 8px; padding: 14px 16px; font-size: 0.92rem; }
mark { background: var(--warn-wash); color: var(--warn); border-radius: 3px; }
mark.record { background: var(--bad-wash); color: var(--bad); font-weight: 600; }
mark.special, .unseen { background: none; border: 1px solid var(--axis); border-radius: 4px; color: var(--muted); font: 0.8em ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; padding: 0 3px; }
.window > mark:not(.special) { text-decoration: underline; text-decoration-style: dotted; text-underline-offset: 3px; }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 14px; padding: 0; list-style: none; color: var(--muted); font-size: 0.86rem; }
@media (max-width: 640px) { .filter { position: static; } .sequence { scroll-margin-top: 12px; } .sequence summary { padding: 9px 12px; } }
@media print { .filter { display: none; } .window { max-height: none; overflow: visible; } }
`;
