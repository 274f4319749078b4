import {
  DeleteObjectCommand,
  HeadBucketCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  S3ServiceException,
} from "@aws-sdk/client-s3";

/** The variables by which programs find the store and its one bucket. A type: `interface`s are no records of strings. */
export type StoreEnvironment = {
  S3_ENDPOINT: string;
  AWS_ACCESS_KEY_ID: string;
  AWS_SECRET_ACCESS_KEY: string;
  AWS_REGION: string;
  TOUCHSTONE_BUCKET: string;
};

/** A client for the local store, whatever this process's own variables say. Errors come at once: checks repeat themselves. */
export function clientFor(environment: StoreEnvironment): S3Client {
  return new S3Client({
    ...failFast,
    endpoint: environment.S3_ENDPOINT,
    forcePathStyle: true,
    region: environment.AWS_REGION,
    credentials: { accessKeyId: environment.AWS_ACCESS_KEY_ID, secretAccessKey: environment.AWS_SECRET_ACCESS_KEY },
  });
}

/** A client for the store that the standard AWS variables and `S3_ENDPOINT` name. */
export function clientFromVariables(): S3Client {
  const endpoint = process.env.S3_ENDPOINT;
  return new S3Client({
    ...failFast,
    region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? "us-east-1",
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
  });
}

// On every Node 20 the SDK warns of the end of its support, in the middle of whatever is being printed.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const failFast: S3ClientConfig = {
  maxAttempts: 1,
  requestHandler: { connectionTimeout: 3000, requestTimeout: 10_000, throwOnRequestTimeout: true },
};

export interface StoreState {
  /** Whether a second write to the same key under `If-None-Match: *` was refused, as commits need it. */
  conditionalWrites: boolean;
}

/** Writes, writes again and deletes a small object. @throws as the S3 client does */
export async function storeState(client: S3Client, Bucket: string): Promise<StoreState> {
  const Key = `touchstone-doctor/${process.pid}-${Date.now()}`;
  await client.send(new HeadBucketCommand({ Bucket }));
  const put = () => client.send(new PutObjectCommand({ Bucket, Key, Body: "test", IfNoneMatch: "*" }));
  await put();
  try {
    await put();
    return { conditionalWrites: false };
  } catch (error) {
    const refused = error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412;
    return { conditionalWrites: refused };
  } finally {
    await client.send(new DeleteObjectCommand({ Bucket, Key }));
  }
}
