import { arc } from "./arc.js";

export const arcEasy = arc("arc_easy");
