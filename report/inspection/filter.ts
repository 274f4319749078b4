import type { SetFindings } from "../../calibration/inspection/findings.js";
import { type Flag, flagNames, flags } from "../../calibration/inspection/flags.js";
import { html, type Markup } from "../markup.js";
import { count } from "./figures.js";

/** What a reader chooses which sequences to see by: fields of a form and rules of style, no script. */
export function filterForm(sets: readonly { index: number; set: SetFindings }[]): Markup {
  const all = sets.flatMap(({ set }) => set.found);
  const counted = flagNames.map((flag) => [flag, all.filter((found) => found.flags.includes(flag)).length] as const);
  const present = counted.filter(([, sequences]) => sequences > 0);
  const flagChoices = [
    choice("flag", "all", `all (${count(all.length)})`, true),
    ...present.map(([flag, sequences]) => choice("flag", flag, `${flags[flag]} (${count(sequences)})`, false)),
  ];
  const setChoices = [
    choice("set", "all", "all", true),
    ...sets.map(({ index, set }) => choice("set", String(index), set.name, false)),
  ];
  return html`<form class="filter"><fieldset><legend>Show sequences</legend>${flagChoices}</fieldset>
${sets.length > 1 ? html`<fieldset><legend>Of the sets</legend>${setChoices}</fieldset>` : null}</form>`;
}

function choice(name: string, value: string, label: string, checked: boolean): Markup {
  const state = checked ? html` checked` : null;
  return html`<label><input type="radio" name="${name}" id="${name}-${value}" value="${value}"${state}> ${label}</label>`;
}

/** What a link leads to is always shown. */
export function filterRules(sets: readonly number[]): string {
  const ofFlag = (flag: Flag) =>
    `main:has(#flag-${flag}:checked) .sequence:not([data-flags~="${flag}"]):not(:target) { display: none; }`;
  const ofSet = (set: number) =>
    `main:has(#set-${set}:checked) .set:not([data-set="${set}"]):not(:has(:target)) { display: none; }`;
  return [...flagNames.map(ofFlag), ...sets.map(ofSet)].join("\n");
}
