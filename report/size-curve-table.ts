import { groupAnchor } from "./anchors.js";
import { nameOf } from "./finding.js";
import { html, type Markup } from "./markup.js";
import { headlines, type Measure } from "./measures.js";
import { countOf, formatChange, formatSpread } from "./numbers.js";
import type { SizeCurve, SizeStep } from "./size-curve.js";
import { cellsLink, entry, heading, table } from "./table.js";

/** What more examples gain, in a sentence a method and in a table of the steps; undefined where no method stands with several sizes. */
export function sizeCurveSection(
  model: string,
  curves: readonly SizeCurve[],
  measures: readonly Measure[],
): Markup | undefined {
  if (curves.length === 0) return undefined;
  const methods = [...new Set(curves.map(({ method }) => method))];
  const sentences = methods.map((method) => {
    const texts = headlines(measures).flatMap((measure) => {
      const curve = curves.find((each) => each.method === method && each.measure === measure.key);
      return curve === undefined ? [] : [sizeSentence(curve, measure)];
    });
    return html`<li><strong>${method}</strong> ${texts.join(" ")}</li>`;
  });
  return html`<h2>How many examples suffice</h2>
<ul class="details">${sentences}</ul>
<details><summary>Each doubling</summary>${stepTable(model, curves, methods, headlines(measures))}</details>
<p class="note">Gains are paired: each set with its own beginning, per doubling of its sequences; ± half of the 95 % interval (Student's t, unadjusted for the number
of steps). A doubling gains less than the noise where its mean gain is at most the standard deviation of the noise replicates; without
replicates, or where they all agree, where the interval reaches 0.</p>`;
}

/** Of a method, how many examples suffice by the first of the measures. */
export function sufficientSizes(
  curves: readonly SizeCurve[],
  measures: readonly Measure[],
): (method: string) => string[] {
  const [measure] = headlines(measures);
  return (method) =>
    curves
      .filter((curve) => curve.method === method && curve.measure === measure.key)
      .map((curve) => sizeSentence(curve, measure));
}

/** "Mean accuracy: after 64 examples a doubling gains less than the noise (0.05 points at most, noise 0.30)." */
export function sizeSentence(curve: SizeCurve, measure: Measure): string {
  const { steps, against, verdict, size, missing } = curve;
  const { kind } = measure;
  const name = nameOf(measure);
  const subject = name.charAt(0).toUpperCase() + name.slice(1);
  const unit = kind === "perplexity" ? "" : " points";
  const floor = against.kind === "noise" ? `noise ${formatSpread(against.value, kind)}` : "noise not measured";
  const gainOf = ({ gain }: SizeStep) => `${formatChange(gain.mean, kind)}${unit}`;
  if (verdict === "unmeasured") return `${subject}: not known: ${missing}.`;
  if (verdict === "rising") {
    const last = steps[steps.length - 1];
    const than = against.kind === "noise" ? "more than the noise" : "clearly more than nothing";
    return `${subject}: up to ${last.to} examples each doubling counts; the last, from ${last.from}, gained ${than} (${gainOf(last)}, ${floor}), so that more examples may help.`;
  }
  const rest = steps.filter(({ from }) => size !== null && from >= size);
  const most = rest.reduce((best, step) => ((step.gain.mean ?? 0) > (best.gain.mean ?? 0) ? step : best));
  const gains =
    against.kind === "noise"
      ? `a doubling gains less than the noise (${gainOf(most)} at most, ${floor})`
      : `no gain of a doubling can be told from 0 (${gainOf(most)} at most, ${floor})`;
  return `${subject}: after ${countOf(size ?? 0, "example")} ${gains}.`;
}

function stepTable(
  model: string,
  curves: readonly SizeCurve[],
  methods: readonly string[],
  measures: readonly Measure[],
): Markup {
  const rows = methods.flatMap((method) => {
    const group = groupAnchor({ model, method });
    const own = measures.map((measure) => ({
      measure,
      curve: curves.find((curve) => curve.method === method && curve.measure === measure.key),
    }));
    return (own[0].curve?.steps ?? []).map(({ from, to }, i) => {
      const cells = own.map(({ measure, curve }) => stepCell(curve?.steps[i], measure, group));
      return html`<tr><th scope="row">${cellsLink(method, group)}</th><td>${from} → ${to}</td>${cells}</tr>`;
    });
  });
  return table(
    "What a doubling of the calibration set gains: mean over the sets ± half of its 95 % interval; bold where it is more than the noise",
    [{ text: "method" }, "sequences a set", ...measures.map(heading)],
    [html`<tbody>${rows}</tbody>`],
  );
}

function stepCell(step: SizeStep | undefined, { kind }: Measure, group: string): Markup {
  if (step === undefined || step.halfWidth === null)
    return html`<td>too few sets <small>(${step?.gain.count ?? 0})</small></td>`;
  const { gain, halfWidth, exceeds } = step;
  const text = `${formatChange(gain.mean, kind)} ± ${formatSpread(halfWidth, kind, gain.mean)}`;
  return entry(exceeds ? html`<strong>${text}</strong>` : text, { mean: gain.mean, halfwidth: halfWidth }, group);
}
