import { arc } from "./arc.js";

export const arcChallenge = arc("arc_challenge");
