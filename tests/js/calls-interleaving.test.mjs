// A call may be ended between any two steps of its attempt, and of the engine's cycles. Here it is, at every microtask of
// them, from the attempt's begin to long after its end; each time the place must come free and the stream be closed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { custom } from 'heddle';
import { asking, assertNothingLeft } from '../support/calls.mjs';
import { open } from '../support/heddle.mjs';
import { turns } from '../support/tasks.mjs';

// Cycles of the engine, which begin when all microtasks are done, and microtasks in each.
const kTicks = 8;
const kMicrotasks = 24;

const places = Array.from({ length: kTicks * kMicrotasks }, (_, i) => [Math.floor(i / kMicrotasks), i % kMicrotasks]);

// Answers in two pieces with a few microtasks in between, and runs `then` at the given place after its begin.
function answering(state) {
  return custom(async function* (request) {
    if (request.messages[0].content === 'q') {
      (async () => {
        const [ticks, microtasks] = state.place;
        for (let tick = 0; tick < ticks; tick++) await new Promise((resolve) => process.nextTick(resolve));
        for (let hop = 0; hop < microtasks; hop++) await undefined;
        state.then();
      })();
    }
    state.open++;
    try {
      await undefined;
      yield 'one ';
      await undefined;
      yield 'two';
    } finally {
      state.open--;
    }
  });
}

// How a call is begun and what ends it.
const ends = {
  'its task is cancelled': (rt, way, state) => {
    const task = rt.submit((ctx) => asking[way](ctx, 'q'));
    state.then = () => rt.cancel(task.id);
    return task.promise;
  },
  'its signal aborts': (rt, way, state) => {
    const controller = new AbortController();
    state.then = () => controller.abort('now');
    return asking[way](rt, 'q', { signal: controller.signal });
  },
  'its task returns': (rt, way, state) =>
    rt.submit(async (ctx) => {
      asking[way](ctx, 'q').catch(() => undefined);
      await new Promise((resolve) => {
        state.then = resolve;
      });
    }).promise,
};

const outcomesOf = {
  'its task is cancelled': ['Cancelled', 'completed'],
  'its signal aborts': ['Cancelled', 'completed'],
  'its task returns': ['completed'],
};

for (const way of Object.keys(asking)) {
  for (const [what, begin] of Object.entries(ends)) {
    test(`${way}: ${what} at any point, and nothing is left`, async (t) => {
      const state = { place: [0, 0], open: 0, then: () => undefined };
      const rt = await open(t, { provider: answering(state), maxConcurrentLLMCalls: 1 });
      const outcomes = new Set();
      for (state.place of places) {
        const outcome = await begin(rt, way, state).then(
          () => 'completed',
          (error) => error.code,
        );
        outcomes.add(outcome);
        await turns(1);
        assert.equal(state.open, 0, `at ${state.place}`);
        await assertNothingLeft(rt);
        assert.equal((await asking[way](rt, 'again')).text, 'one two');
      }
      assert.deepEqual(outcomes, new Set(outcomesOf[what]));
    });
  }
}

test('llmStream: its reader leaves it at any point, and nothing is left', async (t) => {
  const state = { place: [0, 0], open: 0, then: () => undefined };
  const rt = await open(t, { provider: answering(state), maxConcurrentLLMCalls: 1 });
  for (const caller of ['task', 'outside']) {
    for (state.place of places) {
      const body = async (ctx) => {
        const stream = ctx.llmStream('q');
        state.then = () => stream.return();
        for await (const { text } of stream) assert.ok(['one ', 'two'].includes(text));
      };
      await (caller === 'task' ? rt.submit(body).promise : body(rt));
      await turns(1);
      assert.equal(state.open, 0, `at ${state.place}`);
      await assertNothingLeft(rt);
      assert.equal((await rt.llm('again')).text, 'one two');
    }
  }
});
