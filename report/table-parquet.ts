import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { html, type Markup } from "./markup.js";
import type { TableRecords } from "./table-records.js";

/** A link that holds the table's Parquet file, so that it works without scripts too; nothing where the table has no rows. */
export function parquetLink(title: string, records: TableRecords): Markup | null {
  if (records.rows === 0) return null;
  const data = Buffer.from(parquetBytes(records)).toString("base64");
  return html`<p class="downloads"><a download="${fileName(title)}.parquet" href="data:application/vnd.apache.parquet;base64,${data}">Parquet</a></p>`;
}

/** Columns of doubles and of strings, gzip, nothing that only large files need. */
export function parquetBytes({ names, columns }: TableRecords): ArrayBuffer {
  return parquetWriteBuffer({
    columnData: names.map((name, i) => {
      const isText = columns[i].some((value) => typeof value === "string");
      return {
        name,
        data: [...columns[i]],
        type: isText ? ("STRING" as const) : ("DOUBLE" as const),
        offsetIndex: false,
      };
    }),
    codec: "GZIP",
    compressors: { GZIP: (bytes) => gzipSync(bytes) },
    statistics: false,
    createdBy: "touchstone",
  });
}

const LONGEST = 60;

/** The page's script names its files so too. */
export function fileName(title: string): string {
  const words = title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");
  return words.slice(0, LONGEST).replace(/^-|-$/g, "") || "table";
}
