import { TouchstoneError } from "../study/errors.js";
import { joinTaskName, splitTaskName } from "../study/task-name.js";
import type { Group } from "./group.js";
import { groupNamed } from "./groups.js";
import { type TaskDefinitions, taskNamed } from "./registry.js";
import { isGroup, parseGroup } from "./yaml/group.js";
import { type Config, readConfig, relativeTo } from "./yaml/read.js";

/** What names, groups and files of tasks stand for. */
export interface SelectedTasks {
  /** Names for `taskNamed`, each task once. */
  names: string[];
  /** Of the tasks that are from files. */
  definitions: TaskDefinitions;
  /** Groups before those that they are part of. */
  groups: Group[];
}

/**
 * Replaces groups by their tasks, and paths of YAML files by the names of the tasks that these define. A perturbation after a
 * group or a path (`xnli@typos:0.1`) goes to each of its tasks.
 * @param given definitions that are known already
 * @param key which key or option names them, for messages
 * @throws TouchstoneError UnknownTask, InvalidTask naming file and key
 */
export async function resolveTasks(
  names: readonly string[],
  { given = {}, key = "--tasks" }: { given?: TaskDefinitions; key?: string } = {},
): Promise<SelectedTasks> {
  const selected = { names: new Map<string, string>(), definitions: { ...given }, groups: new Map<string, Group>() };
  const opened = new Set<string>();
  for (const name of names) await select(name, undefined);
  return {
    names: Array.from(selected.names.values()),
    definitions: selected.definitions,
    groups: Array.from(selected.groups.values()),
  };

  /** @returns the task's or group's name @param file that names it */
  async function select(name: string, file: string | undefined): Promise<string> {
    const { task, perturbation } = splitTaskName(name);
    const perturbed = (clean: string) => (perturbation === null ? clean : joinTaskName(clean, perturbation));
    if (!Object.hasOwn(selected.definitions, task)) {
      if (isPath(task)) {
        const uri = file === undefined ? task : relativeTo(file, task);
        return selectConfig(await readConfig(uri), uri, perturbed);
      }
      const group = groupNamed(task);
      if (group !== undefined) return selectGroup(group, group.tasks, group.name, perturbed);
    }
    const found = taskNamed(name, selected.definitions, file ?? key);
    selected.names.set(found.name, name);
    return found.name;
  }

  async function selectConfig(config: Config, file: string, perturbed: (name: string) => string): Promise<string> {
    if (isGroup(config)) {
      const { members, ...group } = parseGroup(config, file);
      return selectGroup(group, members, file, perturbed);
    }
    // Told with the file, which is not known where the definition is used.
    const { name } = taskNamed(String(config.task), { [String(config.task)]: config }, file);
    requireSame(selected.definitions[name] ?? config, config, name, file);
    selected.definitions[name] = config;
    return select(perturbed(name), file);
  }

  async function selectGroup(
    group: Omit<Group, "tasks">,
    members: readonly (string | Config)[],
    file: string,
    perturbed: (name: string) => string,
  ): Promise<string> {
    const tasks: string[] = [];
    const name = perturbed(group.name);
    if (opened.has(name)) {
      throw new TouchstoneError("InvalidTask", {
        what: `group: ${name} is part of itself`,
        where: file,
        todo: "Break the circle.",
      });
    }
    opened.add(name);
    for (const member of members) {
      tasks.push(
        typeof member === "string"
          ? await select(perturbed(member), file)
          : await selectConfig(member, file, perturbed),
      );
    }
    opened.delete(name);
    selected.groups.set(name, { ...group, name, tasks });
    return name;
  }
}

/** Whether it names a task, and neither a group nor a file. */
export function isTaskName(name: string): boolean {
  const { task } = splitTaskName(name);
  return !isPath(task) && groupNamed(task) === undefined;
}

function isPath(task: string): boolean {
  return /\.ya?ml$/i.test(task);
}

/** @throws TouchstoneError InvalidTask where two files define one name */
function requireSame(known: Config, config: Config, name: string, file: string): void {
  if (JSON.stringify(known) === JSON.stringify(config)) return;
  throw new TouchstoneError("InvalidTask", {
    what: `task: ${name} is defined by another file, too`,
    where: file,
    todo: "Give one of them another name.",
  });
}
