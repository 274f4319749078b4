import { z } from "zod";

/** That the best calibration set is wanted, of each model and method, and what may be spent on it. */
export const searchSchema = z.strictObject({
  /** Share of the evaluation records that whole evaluations of all sets would score. */
  budget: z.number().positive().max(1).default(0.25),
});
