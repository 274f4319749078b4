import { html, type Markup, trusted } from "./markup.js";

export interface DocumentParts {
  title: string;
  style: string;
  /** The page's only script, and its digest as a policy names it; none: the page runs nothing. */
  script?: { text: string; digest: string };
}

/** A whole page that loads nothing, which its policy forbids as well. @param body what stands in `body` */
export function htmlDocument({ title, style, script }: DocumentParts, body: Markup): Markup {
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:${script === undefined ? "" : `; script-src '${script.digest}'`}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${trusted(style)}</style>${
    script &&
    html`
<script>${trusted(script.text)}</script>`
  }
</head>
<body>
${body}
</body>
</html>
`;
}
