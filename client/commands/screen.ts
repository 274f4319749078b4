import { styleText } from "node:util";

/** Text on a terminal that is redrawn where it stands. */
export interface Screen {
  draw(text: string): void;
  /** The last text stays. */
  end(): void;
}

export function openScreen(stream: NodeJS.WriteStream): Screen {
  const colours = stream.hasColors?.() ?? false;
  let drawn = 0;
  stream.write(HIDE_CURSOR);
  const restore = () => stream.write(SHOW_CURSOR);
  process.once("exit", restore);
  return {
    draw: (text) => {
      // Nothing may wrap or scroll: what is drawn next must find its beginning.
      const lines = text.split("\n").slice(0, Math.max(1, (stream.rows ?? 24) - 1));
      const width = stream.columns ?? 80;
      const cut = lines.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
      const styled = colours ? cut.map(styleLine) : cut;
      stream.moveCursor(0, -drawn);
      stream.cursorTo(0);
      stream.clearScreenDown();
      stream.write(`${styled.join("\n")}\n`);
      drawn = cut.length;
    },
    end: () => {
      restore();
      process.off("exit", restore);
    },
  };
}

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";

/** Heads of tables recede, failures stand out. */
function styleLine(line: string, index: number): string {
  if (index === 0) return styleText("bold", line);
  if (/^(model|running|queue|failed)\b/.test(line) && !/\d/.test(line)) return styleText("dim", line);
  return line.replace(/\d+ failed|attempt \d+|no worker/g, (match) => styleText("red", match));
}
