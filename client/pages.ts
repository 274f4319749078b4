import { temporalService } from "../infra/temporal.js";

/** A workflow's page in the Temporal UI; undefined where the server is the user's own, whose UI isn't known. */
export async function studyPage(workflowId: string): Promise<string | undefined> {
  const service = await temporalService();
  if (service?.ui === undefined) return undefined;
  return `${service.ui}/namespaces/${service.namespace}/workflows/${encodeURIComponent(workflowId)}`;
}
