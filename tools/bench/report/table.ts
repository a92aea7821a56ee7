/** Formats a Markdown table whose columns line up in a terminal. The first `texts` columns are text, the others numbers. */
export function table(
  header: string[],
  rows: string[][],
  texts: number,
): string {
  const widths = header.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column]!)].map(widthOf)),
  );
  const line = (cells: string[]) => `| ${cells.map(padded).join(" | ")} |`;
  const padded = (cell: string, column: number) => {
    const space = " ".repeat(widths[column]! - widthOf(cell));
    return column < texts ? cell + space : space + cell;
  };
  const rule = widths.map((width, column) =>
    column < texts ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(header), `| ${rule.join(" | ")} |`, ...rows.map(line)].join(
    "\n",
  );
}

const widthOf = (text: string) => [...text].length;
