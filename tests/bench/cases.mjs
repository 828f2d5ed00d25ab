// Every case by its name; the letter in each is what the documentation calls it.
//
// A case is `{letter, title, unit, sizes, peers, check, before, divideBy, fresh}`. `peers[name](size)` prepares
// and gives `{run, close}`; `run(clock)` is one round and is timed whole, unless it calls `clock.start()` and
// `clock.stop()` itself or returns `{metrics}` of its own. `check(result, size, peer)` gives true or what is wrong
// with the round: a fast wrong answer is no result. `before()` runs ahead of each round. `fresh` cases get
// one round in each of several processes instead of several rounds in one.

import cancel from './cases/cancel.mjs';
import fetchCase from './cases/fetch.mjs';
import immediate from './cases/immediate.mjs';
import lisp from './cases/lisp.mjs';
import lispFibers from './cases/lisp-fibers.mjs';
import lispParked from './cases/lisp-parked.mjs';
import parked from './cases/parked.mjs';
import priority from './cases/priority.mjs';
import sync from './cases/sync.mjs';
import trivial from './cases/trivial.mjs';
import wasm from './cases/wasm.mjs';
import yieldCase from './cases/yield.mjs';

export const cases = {
  trivial,
  priority,
  immediate,
  cancel,
  yield: yieldCase,
  parked,
  wasm,
  fetch: fetchCase,
  ...lisp,
  'lisp-fibers': lispFibers,
  'lisp-parked': lispParked,
  ...sync,
};
