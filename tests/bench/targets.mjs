// What Heddle must reach, as data: a row's value at most `limit`, or at most `factor` times another row's (`of`
// overrides case, peer, size or metric). They hold for Node 20. A peer of '*' means every row that has the metric.

const KB = 1024;

export const targets = [
  { case: 'trivial', size: 100_000, factor: 1, of: { peer: 'effect4' } },
  { case: 'trivial', size: 100_000, factor: 1 / 4, of: { peer: 'p-limit' } },
  { case: 'trivial', size: 100_000, factor: 1 / 4, of: { peer: 'p-queue' } },
  { case: 'priority', size: 100_000, factor: 1.3, of: { case: 'trivial' } },
  { case: 'immediate', size: 10_000, factor: 2, of: { peer: 'bare' } },
  { case: 'cancel', size: 100_000, factor: 1, of: { peer: 'p-limit' } },
  // Linear: the same price a task at four times the length (a quadratic one is four times it), with room for
  // the caches and the collector.
  { case: 'cancel', size: 100_000, factor: 2, of: { size: 25_000 } },
  { case: 'yield', size: 2, factor: 1 / 2, of: { peer: 'effect4' } },
  { case: 'yield', size: 1_000, limit: 200 },
  { case: 'yield', size: 100_000, limit: 1_000 },
  { case: 'yield', peer: 'heddle-generator', size: 1_000, limit: 150 },
  { case: 'parked', size: 100_000, metric: 'memory', limit: KB },
  { case: 'parked', size: 1_000_000, metric: 'memory', limit: KB },
  { case: 'fetch', size: 160, metric: 'overhead', limit: 1.1 },
  { case: 'lisp-fib', size: 1, limit: 45 },
  { case: 'lisp-fib', size: 1, factor: 0.6, of: { peer: 'wasmoon' } },
  { case: 'lisp-tak', size: 1, limit: 2.5 },
  { case: 'lisp-tak', size: 1, factor: 1, of: { peer: 'wasmoon' } },
  { case: 'lisp-ackermann', size: 1, limit: 7 },
  { case: 'lisp-ackermann', size: 1, factor: 1, of: { peer: 'wasmoon' } },
  { case: 'lisp-loop', size: 1, limit: 120 },
  { case: 'lisp-loop', size: 1, factor: 1, of: { peer: 'wasmoon' } },
  { case: 'lisp-strings', size: 1, limit: 22 },
  { case: 'lisp-strings', size: 1, factor: 1, of: { peer: 'wasmoon' } },
  { case: 'lisp-sort', size: 1, limit: 500 },
  { case: 'lisp-sort', size: 1, factor: 1, of: { peer: 'wasmoon' } },
  { case: 'lisp-nqueens', size: 1, factor: 1, of: { peer: 'wasmoon' } },
  { case: 'lisp-fibers', size: 2, limit: 60 },
  { case: 'lisp-fibers', size: 1_000, limit: 60 },
  { case: 'lisp-fibers', size: 100_000, limit: 150 },
  { case: 'lisp-parked', size: 100_000, metric: 'memory', limit: 512 },
  { case: 'lisp-parked', size: 1_000_000, metric: 'memory', limit: 512 },
  { case: 'wasm', size: 1, metric: 'first runtime ms', limit: 10 },
  { case: 'wasm', size: 1, metric: 'second runtime ms', limit: 10 },
  { case: 'wasm', size: 1, peer: 'files', metric: /\.wasm bytes$/, limit: 450 * KB },
  { case: 'wasm', size: 1, peer: 'files', metric: /\.wasm brotli$/, limit: 140 * KB },
];

const defaults = { peer: 'heddle', metric: 'time' };

function find(rows, wanted) {
  return rows.filter(
    (row) =>
      row.case === wanted.case &&
      row.peer === wanted.peer &&
      row.size === wanted.size &&
      row.value !== undefined &&
      (wanted.metric instanceof RegExp ? wanted.metric.test(row.metric) : wanted.metric === row.metric),
  );
}

const where = ({ case: name, peer, size, metric }) =>
  `${name} ${size === 1 ? '' : `${size} `}${peer}${metric === 'time' ? '' : ` ${metric}`}`;

/** Compares rows with the targets: `[{status, text}]`, status 'met', 'missed' or 'not measured'. */
export function judge(rows) {
  return targets.flatMap((target) => {
    const subject = { ...defaults, ...target };
    const found = find(rows, subject);
    const other = target.of && { ...subject, ...target.of };
    const base = other && find(rows, other)[0];
    if (found.length === 0 || (other && !base)) {
      const missing = found.length === 0 ? subject : other;
      return [{ status: 'not measured', text: `${where(subject)}: no row for ${where(missing)}` }];
    }
    return found.map((row) => {
      const limit = base ? target.factor * base.value : target.limit;
      const bound = base ? `${round(limit)} (${target.factor} x ${where(other)})` : `${limit}`;
      return {
        status: row.value <= limit ? 'met' : 'missed',
        text: `${where(row)}: ${round(row.value)}, at most ${bound}`,
      };
    });
  });
}

const round = (value) => (value < 100 ? Number(value.toPrecision(3)) : Math.round(value));
