import { fileURLToPath } from "node:url";

/** What make-references.py wrote: a folder a family. */
export const madeReferences = fileURLToPath(new URL("../../../test/models/references", import.meta.url));
