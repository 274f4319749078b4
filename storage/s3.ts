import { S3Client } from "@aws-sdk/client-s3";

// On every Node 20 the SDK warns of the end of its support, in the middle of whatever is being printed.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

let shared: S3Client | undefined;

/**
 * The process's S3 client, by the standard AWS variables; `S3_ENDPOINT` names a compatible server
 * (path-style addresses, as self-hosted servers want them).
 */
export function s3Client(): S3Client {
  shared ??= new S3Client({
    region: process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? "us-east-1",
    ...(process.env.S3_ENDPOINT ? { endpoint: process.env.S3_ENDPOINT, forcePathStyle: true } : {}),
    maxAttempts: 5,
  });
  return shared;
}
