import { PutObjectCommand } from "@aws-sdk/client-s3";
import { readObject, s3Client } from "../../storage/s3.js";

/** Flips a bit in the middle of an object. */
export async function alterObject(prefix: string, key: string): Promise<void> {
  const object = { Bucket: process.env.TOUCHSTONE_BUCKET ?? "", Key: `${prefix}/${key}` };
  const bytes = await readObject(object);
  bytes[bytes.length >> 1] ^= 1;
  await s3Client().send(new PutObjectCommand({ ...object, Body: bytes }));
}
