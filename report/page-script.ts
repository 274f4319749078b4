import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** Each works by itself, and does nothing where what it works on isn't there. */
const PARTS = ["theme", "sorting", "filter", "downloads"];

/** The page's only script: a classic one, which pages from a disk may run too. */
export const pageScript = PARTS.map((part) => {
  const compiled = readFileSync(new URL(`./page/${part}.js`, import.meta.url), "utf8");
  const code = compiled.replace(/^export \{\};$|^\/\/[/#].*$/gm, "").trim();
  return `(() => {\n"use strict";\n${code}\n})();\n`;
}).join("");

/** What the page's policy allows. */
export const scriptDigest = `sha256-${createHash("sha256").update(pageScript).digest("base64")}`;
