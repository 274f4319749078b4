/** What programs import as `touchstone/client`. */
export { TouchstoneError } from "../study/errors.js";
export type { CellProgress, StudyOverview, StudyProgress, StudySummary, StudyView } from "../study/progress.js";
export type { Ranking, SearchProgress, SearchSummary } from "../study/search.js";
export type { StudySpec, StudySpecInput } from "../study/spec.js";
export type { SearchHandle } from "./search-handle.js";
export type { Part, StudyHandle } from "./study-handle.js";
export type { Troubles } from "./study-troubles.js";
export { type SearchListing, type StudyListing, Touchstone } from "./touchstone.js";
