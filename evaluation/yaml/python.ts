import { capitalize, codePoints, strip, stripEnd, stripStart } from "../text.js";

/** Arguments as the template engine passes them: plain texts and numbers; lists hold values that wrap their items. */
type Argument = string | number | readonly { value: unknown }[] | undefined;
type Method<Self> = (self: Self, ...args: Argument[]) => unknown;

/** Methods of Python's texts that templates use and the template engine lacks, or has otherwise. */
export const stringMethods: Readonly<Record<string, Method<string>>> = {
  strip: (text, characters) =>
    characters === undefined ? strip(text) : trimEnd(trimStart(text, characters), characters),
  lstrip: (text, characters) => (characters === undefined ? stripStart(text) : trimStart(text, characters)),
  rstrip: (text, characters) => (characters === undefined ? stripEnd(text) : trimEnd(text, characters)),
  capitalize: (text) => capitalize(text),
  find: (text, part) => codePointIndex(text, text.indexOf(String(part))),
  index: (text, part) => found(codePointIndex(text, text.indexOf(String(part))), part),
  count: (text, part) => text.split(String(part)).length - 1,
  join: (text, items) => (Array.isArray(items) ? items.map(({ value }) => String(value)).join(text) : undefined),
};

/** Methods of Python's lists. */
export const listMethods: Readonly<Record<string, Method<readonly { value: unknown }[]>>> = {
  index: (items, wanted) =>
    found(
      items.findIndex(({ value }) => value === wanted),
      wanted,
    ),
  count: (items, wanted) => items.filter(({ value }) => value === wanted).length,
};

/** Filters of Jinja's on texts that the template engine has otherwise. */
export const stringFilters: Readonly<Record<string, (text: string) => string | number>> = {
  capitalize,
  trim: strip,
  length: codePoints,
};

function found(index: number, wanted: unknown): number {
  if (index !== -1) return index;
  throw new Error(`${JSON.stringify(wanted)} is not in it`);
}

function codePointIndex(text: string, index: number): number {
  return index === -1 ? -1 : codePoints(text.slice(0, index));
}

function trimStart(text: string, characters: Argument): string {
  const all = Array.from(text);
  const start = all.findIndex((character) => !String(characters).includes(character));
  return start === -1 ? "" : all.slice(start).join("");
}

function trimEnd(text: string, characters: Argument): string {
  const all = Array.from(text);
  const end = all.findLastIndex((character) => !String(characters).includes(character));
  return all.slice(0, end + 1).join("");
}
