/** Between a task and what perturbs its inputs, as in `piqa@typos:0.1`. */
const SEPARATOR = "@";

/**
 * The task as it is without perturbation, and how its inputs are perturbed; null: not at all. A task may be a path, whose
 * folders may have the separator in their names.
 */
export function splitTaskName(name: string): { task: string; perturbation: string | null } {
  const at = name.lastIndexOf(SEPARATOR);
  const after = name.slice(at + SEPARATOR.length);
  return at === -1 || after.includes("/")
    ? { task: name, perturbation: null }
    : { task: name.slice(0, at), perturbation: after };
}

export function joinTaskName(task: string, perturbation: string): string {
  return `${task}${SEPARATOR}${perturbation}`;
}

/** Whether a task's inputs are as they are. */
export function isUnperturbed(name: string): boolean {
  return splitTaskName(name).perturbation === null;
}
