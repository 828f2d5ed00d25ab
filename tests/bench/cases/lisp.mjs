// Case i: what the Lisp costs to run, beside other languages in WebAssembly and in JavaScript, and natively. A round
// is one evaluation of a program's whole text; each language gets the same algorithm in its own usual spelling.

import { isValue, languages } from '../peers/languages.mjs';

const programs = [
  { program: 'fib', title: 'fib(30)', value: 832_040 },
  { program: 'tak', title: 'tak(18, 12, 6)', value: 7 },
  { program: 'ackermann', title: '1,000 times ackermann(2, 9)', value: 21_000 },
  { program: 'loop', title: 'a loop of 10,000,000', value: 49_999_995_000_000 },
  { program: 'strings', title: '100,000 string appends', value: 100_000 },
  { program: 'sort', title: 'merge sort of a list of 100,000 numbers', value: 100_000 },
  { program: 'nqueens', title: 'the eight queens', value: 92 },
  { program: 'callcc', title: '100,000 escapes', value: 300_000 },
];

const caseOf = ({ program, title, value }) => ({
  letter: 'i',
  title: `Lisp: ${title}`,
  unit: 'ms',
  sizes: [1],
  divideBy: () => 1e6,
  peers: Object.fromEntries(Object.entries(languages).map(([name, open]) => [name, () => open(program)])),
  check: (result) => isValue(result, value) || `the value is ${JSON.stringify(result)}, not ${value}`,
});

/** A case a program, as `lisp-fib` and so on. */
export default Object.fromEntries(programs.map((one) => [`lisp-${one.program}`, caseOf(one)]));
