import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { DataConverter, Payload, PayloadCodec } from "@temporalio/common";
import { TouchstoneError } from "../study/errors.js";

/** Keys of 32 bytes by their ids; the first one encrypts, and all of them decrypt. */
export type CodecKeys = ReadonlyMap<string, Uint8Array>;

const VARIABLE = "TOUCHSTONE_CODEC_KEY";
const ENCODING = "binary/encrypted";
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * How clients and workers write what goes into histories: as it is, or encrypted with `TOUCHSTONE_CODEC_KEY`
 * (`ID:BASE64`, several with commas between).
 * @param onUnreadable is told of payloads for which there is no key, before the error is thrown
 * @throws TouchstoneError InvalidSettings for a key that is none
 */
export function dataConverter(onUnreadable?: (error: TouchstoneError) => void): DataConverter {
  const keys = codecKeys();
  return {
    payloadCodecs: [payloadCodec(keys, onUnreadable)],
    ...(keys.size === 0
      ? {}
      : { failureConverterPath: fileURLToPath(new URL("../workflows/failure-converter.cjs", import.meta.url)) }),
  };
}

/** Of `TOUCHSTONE_CODEC_KEY`; none where it isn't set. @throws TouchstoneError InvalidSettings */
export function codecKeys(text = process.env[VARIABLE] ?? ""): CodecKeys {
  const keys = text.split(",").filter((part) => part.trim() !== "");
  return new Map(
    keys.map((part) => {
      const [, id, encoded] = /^\s*([\w.-]+):([A-Za-z0-9+/_-]+=*)\s*$/.exec(part) ?? [];
      const key = Buffer.from(encoded ?? "", "base64");
      if (id !== undefined && key.length === KEY_BYTES) return [id, key];
      throw new TouchstoneError("InvalidSettings", {
        what: `A key is not ID:BASE64 with ${KEY_BYTES} bytes`,
        where: VARIABLE,
        todo: `Make one: echo "$(date +%F):$(openssl rand -base64 ${KEY_BYTES})".`,
      });
    }),
  );
}

/** AES-256-GCM over a payload with its metadata, the key's id in clear. Without keys payloads are written as they are. */
export function payloadCodec(keys: CodecKeys, onUnreadable: (error: TouchstoneError) => void = () => {}): PayloadCodec {
  const [first] = keys;
  return {
    encode: async (payloads) =>
      first === undefined ? payloads : payloads.map((payload) => encrypted(payload, ...first)),
    decode: async (payloads) =>
      payloads.map((payload) => {
        if (textOf(payload, "encoding") !== ENCODING) return payload;
        try {
          return decrypted(payload, keys);
        } catch (error) {
          if (error instanceof TouchstoneError) onUnreadable(error);
          throw error;
        }
      }),
  };
}

function encrypted({ metadata, data }: Payload, id: string, key: Uint8Array): Payload {
  const named = Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString("base64")]);
  const header = Buffer.from(JSON.stringify(named));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(id));
  const content = [length, header, data ?? new Uint8Array()].map((part) => cipher.update(part));
  return {
    metadata: { encoding: Buffer.from(ENCODING), "encryption-key-id": Buffer.from(id) },
    data: Buffer.concat([nonce, ...content, cipher.final(), cipher.getAuthTag()]),
  };
}

function decrypted(payload: Payload, keys: CodecKeys): Payload {
  const id = textOf(payload, "encryption-key-id");
  const key = keys.get(id);
  if (key === undefined) {
    throw unreadable(`It is encrypted with the key "${id}", which is not known here`, `Set ${VARIABLE} to that key.`);
  }
  const data = Buffer.from(payload.data ?? []);
  try {
    const decipher = createDecipheriv(CIPHER, key, data.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(id)).setAuthTag(data.subarray(-TAG_BYTES));
    const content = Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    const start = 4 + content.readUInt32LE();
    const named = JSON.parse(content.toString("utf8", 4, start)) as [string, string][];
    return {
      metadata: Object.fromEntries(named.map(([name, value]) => [name, Buffer.from(value, "base64")])),
      data: content.subarray(start),
    };
  } catch (cause) {
    throw unreadable(`The key "${id}" doesn't fit`, `Set ${VARIABLE} to the key that it was written with.`, cause);
  }
}

function textOf({ metadata }: Payload, name: string): string {
  return Buffer.from(metadata?.[name] ?? []).toString();
}

function unreadable(what: string, todo: string, cause?: unknown): TouchstoneError {
  return new TouchstoneError("ServiceUnavailable", { what, where: "a workflow's history", todo }, { cause });
}
