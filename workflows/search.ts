import {
  ApplicationFailure,
  isCancellation,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  startChild,
} from "@temporalio/workflow";
import { studyWorkflowId } from "../study/names.js";
import type { SearchProgress, SearchRound, SearchSummary, ToldRound } from "../study/search.js";
import { attributes } from "./attributes.js";
import { onceFree } from "./children.js";
import { searchDetails } from "./details.js";
import { asRootFailure } from "./failures.js";
import { searchProgressQuery } from "./messages.js";
import { dataSteps } from "./proxies.js";
import { study } from "./study.js";

/**
 * Looks for the calibration set with the best mean accuracy, of each model and method, by successive halving: each round is a study,
 * in which the sets that have dropped out are skipped; before them may be that of the pilots alone. The input is a study specification as plain JSON, with `search` in it.
 * Starting it again under the same id goes on where it was: what is in the store is not computed again.
 * @throws ApplicationFailure named as the TouchstoneError that planning found, or as the round's study failed
 */
export async function search(specification: unknown): Promise<SearchSummary> {
  let progress: SearchProgress = { phase: "planning", rounds: [], cost: null, round: null };
  const show = (known: Partial<SearchProgress>) => {
    progress = { ...progress, ...known };
    setCurrentDetails(searchDetails(progress));
  };
  setHandler(searchProgressQuery, () => progress);
  try {
    const { name, rounds, cost } = await dataSteps("plan the rounds").planSearch(specification);
    const told = rounds.map(toldRound);
    show({ phase: "running", rounds: told, cost });
    for (const [i, round] of rounds.entries()) {
      if (i > 0 || round.pilot) {
        const summary = round.pilot ? "leave out all but the pilots" : "leave out what is worse";
        await dataSteps(summary).openSearchRound({ before: rounds[i - 1], next: round });
      }
      const child = await onceFree(() => startRound(round));
      show({ round: i });
      await child.result().catch((error: unknown) => {
        throw isCancellation(error) ? error : asRootFailure(error, `study ${round.study.name}`);
      });
    }
    const found = await dataSteps("rank what is left").rankSearchRound(rounds[rounds.length - 1]);
    show({ phase: "done" });
    return { name, rounds: told, cost, found };
  } catch (error) {
    throw isCancellation(error) || error instanceof ApplicationFailure ? error : asRootFailure(error);
  }
}

function toldRound({ study, ...round }: SearchRound): ToldRound {
  return { ...round, study: study.name };
}

function startRound({ study: specification }: SearchRound) {
  return startChild(study, {
    workflowId: studyWorkflowId(specification.name),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    args: [specification],
    typedSearchAttributes: attributes({ TouchstoneStudy: specification.name }),
    staticSummary: `calibration study ${specification.name}`,
  });
}
