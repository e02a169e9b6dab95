/** A column of a report: its title and what it shows of a row. */
export type Column<Row> = readonly [title: string, cell: (row: Row) => string];

/** Right-aligned columns, for a terminal. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines.map((line) => line.map((text, column) => text.padStart(widths[column]!)).join('  ')).join('\n');
}
