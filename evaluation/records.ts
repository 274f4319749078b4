import { fileExists, joinUri } from "../storage/files.js";
import { readRows } from "../storage/rows.js";
import { TouchstoneError } from "../study/errors.js";
import { taskOf } from "./registry.js";

const FORMATS = [".jsonl", ".parquet", ".arrow"] as const;

/**
 * The file with a task's records: `<task>.jsonl`, `.parquet` or `.arrow`, under the name given or another of the task's names.
 * @param dataFolder local or s3://
 * @throws TouchstoneError UnknownTask; InvalidData naming the files that were looked for
 */
export async function findTaskRecords(dataFolder: string, task: string): Promise<string> {
  const { name, aliases } = taskOf(task);
  const names = Array.from(new Set([task, name, ...aliases]));
  const files = names.flatMap((stem) => FORMATS.map((format) => `${stem}${format}`));
  for (const file of files) {
    const uri = joinUri(dataFolder, file);
    if (await fileExists(uri)) return uri;
  }
  throw new TouchstoneError("InvalidData", {
    what: `There are no records of ${name}: none of ${files.join(", ")}`,
    where: dataFolder,
    todo: "Put one of these files there, with the fields of the Hugging Face hub's data set.",
  });
}

/**
 * All records of a task, not yet checked, and the file that they are from.
 * @throws TouchstoneError as `findTaskRecords`; InvalidData for a file that can't be read
 */
export async function readTaskRecords(
  dataFolder: string,
  task: string,
): Promise<{ records: Record<string, unknown>[]; where: string }> {
  const where = await findTaskRecords(dataFolder, task);
  const records: Record<string, unknown>[] = [];
  for await (const record of readRows(where)) records.push(record);
  return { records, where };
}
