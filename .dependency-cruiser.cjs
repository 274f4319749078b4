// Directions of imports. Sources are read with their type imports; compiled workflows show what they import as values.

/** What runs as a program or is imported from outside: everything else must be reached from one of these. */
const entries = [
  "client/(cli|index)[.]ts",
  "client/forecast/measure-process[.]ts",
  "client/reproduction/reproduce-process[.]ts",
  "bench/forecast-run[.]ts",
  "bench/rehearsal/(rehearse|published|worker|compute-process)[.]ts",
  "workers/(main|compute-process|score-process)[.]ts",
  "workflows/(index[.]ts|failure-converter[.]cts)",
  "infra/(setup|check-workflow-bundle|bundle-workflows)[.]ts",
  "infra/bootstrap[.]mjs",
  "tensor/backend[.]ts",
  "storage/store-thread[.]ts",
  "report/page/[a-z]+[.]ts",
];

const domain = "calibration|models|compression|evaluation|statistics|report|hub";
const sources = `^(workflows|activities|workers|client|bench|study|${domain}|tensor|storage|infra)/`;
const packages = (...names) => `node_modules/(${names.join("|")})/`;

/** `folders` may import files of `own` folders; packages and Node's modules are another matter. */
const onlyFolders = (name, folders, own) => ({
  name,
  comment: `${folders.replaceAll("|", ", ")} may import ${own.join(", ")} only`,
  severity: "error",
  from: { path: `^(${folders})/` },
  to: { path: sources, pathNot: `^(${own.join("|")})/` },
});

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment: "an import can't come back to where it started",
      severity: "error",
      from: { path: sources },
      to: { circular: true },
    },
    {
      name: "unused",
      comment: "no program reaches this file: remove it, or name it among the entries",
      severity: "error",
      from: { path: `^(${entries.join("|")})$` },
      to: { path: sources, pathNot: `^(${entries.join("|")})$`, reachable: false },
    },
    {
      name: "study-is-pure",
      comment: "study/ is part of every workflow: it imports itself, zod and fastest-levenshtein",
      severity: "error",
      from: { path: "^study/" },
      to: { pathNot: ["^study/", packages("zod", "fastest-levenshtein")] },
    },
    {
      name: "workflows-orchestrate",
      comment: "workflows import themselves, study/, types of activities, and Temporal's workflow and common",
      severity: "error",
      from: { path: "^workflows/" },
      to: { pathNot: ["^(workflows|study|activities)/", packages("@temporalio/workflow", "@temporalio/common")] },
    },
    {
      name: "workflows-import-types-of-activities",
      comment: "a workflow that imports an activity's code doesn't load: write `import type`",
      severity: "error",
      from: { path: "^dist/workflows/" },
      to: { path: "^dist/", pathNot: "^dist/(workflows|study)/" },
    },
    onlyFolders("tensor-and-storage-are-lowest", "tensor|storage", ["tensor", "storage", "study"]),
    onlyFolders("statistics-is-pure", "statistics", ["statistics", "study"]),
    onlyFolders("domain-knows-no-activities", domain, [...domain.split("|"), "tensor", "storage", "study"]),
    onlyFolders("activities-are-below-workers", "activities", [
      ...["activities", ...domain.split("|")],
      ...["tensor", "storage", "study"],
    ]),
    onlyFolders("infra-stands-apart", "infra", ["infra", "study", "storage"]),
    {
      name: "nobody-imports-programs",
      comment: "workers and client are on top; bench measures all of them, and is a command of the client",
      severity: "error",
      from: { path: sources, pathNot: "^(workers|client|bench)/" },
      to: { path: "^(workers|client|bench)/" },
    },
    {
      name: "domain-knows-no-temporal",
      comment: "domain code runs without Temporal",
      severity: "error",
      from: { path: `^(${domain}|tensor|storage|study)/` },
      to: { path: packages("@temporalio/[^/]+") },
    },
    {
      name: "no-development-packages",
      comment: "a package that sources import is one of the dependencies",
      severity: "error",
      from: { path: sources },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
  ],
  options: {
    // TypeScript 7 has no interface for programs yet; swc reads its syntax.
    parser: "swc",
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
    // Names without a dot are Node's own modules.
    includeOnly: { path: `${sources}|^dist/(workflows|study|activities)/|node_modules/|^[^.]+$` },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^dist/workflows/bundle[.]js$|[.]d[.]ts$" },
  },
};
