import { join } from "node:path";
import { checkoutFolder } from "../../storage/home.js";

/** What make-references.py wrote: a folder a family. */
export const madeReferences = join(checkoutFolder, "test", "models", "references", "families");
