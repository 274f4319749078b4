// No credential belongs in a specification, and so in a history, a log, a report or an error. This is the one place that knows them.

const HIDDEN = "[hidden]";

/** What is a credential by its form; the first group stays. */
const FORMS: readonly RegExp[] = [
  /\b([a-z][a-z\d+.-]{0,20}:\/\/)[^\s/@]+(?=@)/gi,
  /([?&](?:x-amz-[\w-]+|awsaccesskeyid|signature|sig|token|access_token|api_key|password)=)[^\s&"')]+/gi,
  /()\b(?:AKIA|ASIA)[A-Z\d]{16}\b/g,
  /()\b(?:hf|ghp|gho|glpat|xoxb)[_-]\w{8,}/g,
  /()\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/g,
  /\b(Bearer\s+)[\w.~+/-]{8,}=*/gi,
];

/** Variables that hold credentials, or lists of names with them. */
const SECRET_NAME = /SECRET|TOKEN|PASSWORD|API_KEY|ACCESS_KEY|CODEC_KEY|_HEADERS|GRPC_META|CLIENT_KEY_DATA/i;
const PLACE_NAME = /_(FILE|PATH|URI|URL)$/i;
const SHORTEST = 8;
/** Of a part of a list of names and values. */
const SHORTEST_PART = 16;

/** The text without credentials: those that have the form of one, and those that this process has in its environment. */
export function redacted(text: string): string {
  const known = secretValues().reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  return FORMS.reduce((rest, form) => rest.replace(form, `$1${HIDDEN}`), known);
}

/** Where in plain JSON a credential stands, such as `models[0].path`; undefined where there is none. */
export function secretPlace(json: unknown, place = ""): string | undefined {
  if (typeof json === "string") return redacted(json) === json ? undefined : place;
  if (typeof json !== "object" || json === null) return undefined;
  for (const [key, value] of Object.entries(json)) {
    const inner = Array.isArray(json) ? `${place}[${key}]` : place === "" ? key : `${place}.${key}`;
    const found = secretPlace(value, inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Workflows have no environment, so that their code is told of no secret. Longer ones first: one may be part of another. */
function secretValues(): string[] {
  if (typeof process === "undefined") return [];
  return Object.entries(process.env)
    .filter(([name]) => SECRET_NAME.test(name) && !PLACE_NAME.test(name))
    .flatMap(([, value = ""]) => [
      ...(value.length >= SHORTEST ? [value] : []),
      ...value.split(/[\s,;=:]+/).filter((part) => part.length >= SHORTEST_PART),
    ])
    .sort((a, b) => b.length - a.length);
}
