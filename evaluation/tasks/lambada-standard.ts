import { lambada } from "./lambada.js";

export const lambadaStandard = lambada("lambada_standard", { fewShotSplit: "validation" });
