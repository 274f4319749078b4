import { lambada } from "./lambada.js";

export const lambadaOpenai = lambada("lambada_openai", { aliases: ["lambada"] });
