// Prints rows of one case as a table: a line for each size, peer and metric, with the median, the range of the
// rounds and the ratio to Heddle's row of the same size and metric (2.0x: twice Heddle's).

const columns = [
  { head: 'n', cell: (row) => row.size.toLocaleString('en') },
  { head: 'peer', left: true, cell: (row) => row.peer },
  { head: 'what', left: true, cell: (row) => (row.metric === 'time' ? row.unit : row.metric ?? row.unit) },
  { head: 'median', cell: (row) => number(row.value) },
  { head: 'range', cell: (row) => (row.rounds > 1 ? `${number(row.min)}..${number(row.max)}` : '') },
  { head: 'rounds', cell: (row) => row.rounds ?? '' },
  { head: 'to heddle', cell: (row, rows) => ratio(row, rows) },
  { head: '', left: true, cell: (row) => row.note ?? '' },
];

function number(value) {
  if (value === undefined) return '-';
  return value < 100 ? value.toPrecision(3) : Math.round(value).toLocaleString('en');
}

function ratio(row, rows) {
  const own = rows.find((one) => one.peer === 'heddle' && one.size === row.size && one.metric === row.metric);
  if (!own?.value || row.value === undefined) return '-';
  return `${(row.value / own.value).toFixed(2)}x`;
}

/** Formats a case's rows under its title. */
export function formatTable(title, rows) {
  const lines = [columns.map((column) => column.head)];
  for (const row of rows) lines.push(columns.map((column) => String(column.cell(row, rows))));
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at].length)));
  const text = lines.map((line) =>
    line
      .map((cell, at) => (columns[at].left ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
      .join('  ')
      .trimEnd(),
  );
  return [title, ...text, ''].join('\n');
}
