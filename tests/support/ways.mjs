/**
 * The ways in which one program runs: both kinds of bodies, in order and by chance. Invariant: what a program answers is the
 * same in all of them, and it leaves nothing behind. Partner: sync-problems.test.mjs.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './heddle.mjs';
import { assertAtRest } from './tasks.mjs';

// The same text as an async body: each yield awaits.
const awaiting = (body) => async (ctx) => {
  const steps = body(ctx);
  let step = steps.next();
  while (!step.done) {
    let value;
    try {
      value = await step.value;
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next(value);
  }
  return step.value;
};

const kinds = { generator: (body) => body, async: awaiting };

/**
 * One test a way, in virtual time. `program(rt, submit)` gets generator functions' tasks from `submit(body, options)`; what it
 * gives is the same in every way. `config`: more of the runtime's configuration; `seeds`: of the dispatch by chance.
 */
export function inEveryWay(name, program, { seeds = [1, 2, 3], ...config } = {}) {
  const ways = [{ policy: 'round-robin' }, { policy: 'fair-rr' }, ...seeds.map((seed) => ({ policy: 'random', seed }))];
  let first;
  for (const [kind, bodyOf] of Object.entries(kinds)) {
    for (const dispatch of ways) {
      const way = `${kind} bodies, ${dispatch.policy}${dispatch.seed === undefined ? '' : ` ${dispatch.seed}`}`;
      test(`${name}: ${way}`, async (t) => {
        const rt = await open(t, { clock: 'virtual', ...config, dispatch });
        const answer = await program(rt, (body, options) => rt.submit(bodyOf(body), options));
        await rt.onIdle();
        assertAtRest(rt);
        first ??= answer;
        assert.deepEqual(answer, first, 'another way came to another answer');
      });
    }
  }
}

/** A generator function bound to what it needs beside its context. */
export const bind = (body, ...given) =>
  function* (ctx) {
    return yield* body(ctx, ...given);
  };

export const range = (n) => Array.from({ length: n }, (_, i) => i);

/** The tasks' results, or their errors. */
export const outcomes = async (tasks) => (await Promise.allSettled(tasks.map(({ promise }) => promise))).map(({ value, reason }) => reason ?? value);
