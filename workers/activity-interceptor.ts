import type { ActivityInterceptors } from "@temporalio/worker";
import { type StepPlace, stepPlace } from "../activities/step-place.js";

/** Adds study, cell and block to every line that is logged in an activity. */
export function placeInLogs(): ActivityInterceptors {
  let place: StepPlace = {};
  return {
    inbound: {
      execute: (input, next) => {
        place = stepPlace(input.args[0]);
        return next(input);
      },
    },
    outbound: { getLogAttributes: (attributes, next) => next({ ...attributes, ...place }) },
  };
}
