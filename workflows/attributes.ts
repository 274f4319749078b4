import { defineSearchAttributeKey, SearchAttributeType } from "@temporalio/common";
import type { CellCoordinates } from "../study/results.js";
import { type SearchAttributeName, searchAttributes } from "../study/search-attributes.js";

/** Search attributes in the form that starts and upserts take. */
export function attributes(values: Partial<Record<SearchAttributeName, string | number>>) {
  return Object.entries(values).map(([name, value]) => {
    const isCount = searchAttributes[name as SearchAttributeName] === "Int";
    return isCount
      ? { key: defineSearchAttributeKey(name, SearchAttributeType.INT), value: value as number }
      : { key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD), value: value as string };
  });
}

export function cellAttributes(study: string, { model, methodLabel, source }: CellCoordinates) {
  return attributes({
    TouchstoneStudy: study,
    TouchstoneModel: model,
    TouchstoneMethod: methodLabel,
    ...(source === null ? {} : { TouchstoneSource: source }),
  });
}
