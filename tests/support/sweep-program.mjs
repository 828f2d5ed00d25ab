/**
 * A program with every kind of wait there is, for sweeps that end it at each of its steps in turn. It is a list of parts,
 * each of which leaves nothing behind by itself; all of it takes simulated time only, but for what a live provider does.
 * Invariant: what it does depends on nothing but the program. Partner: tests/js/sweep.test.mjs.
 */

import assert from 'node:assert/strict';

import heddle from './heddle.mjs';
import { rejection } from './tasks.mjs';

const after = (ms, value) => async (ctx) => {
  await ctx.delay(ms);
  if (value instanceof Error) throw value;
  return value;
};

const forever = (ctx) => ctx.delay(1e9);

/** What is open outside of the runtime: side effects under way, connections of a live provider. */
export class Outside {
  open = 0;

  async effect(signal, ms = 2) {
    this.open++;
    try {
      for (let turn = 0; turn < ms; turn++) {
        await null;
        signal.throwIfAborted();
      }
      return 'effect';
    } finally {
      this.open--;
    }
  }

  /** An effect that ends only when its signal aborts. */
  async stuck(signal) {
    this.open++;
    try {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    } finally {
      this.open--;
    }
  }
}

/** Answers from the simulation, each question's first attempt a failure where it says so. */
export const simulatedProvider = () =>
  heddle.simulated({
    script: ({ messages }, attempt) => {
      const [{ content }] = messages;
      if (content.startsWith('flaky') && attempt <= 2)
        return {
          latencyMs: 7,
          error: { status: attempt === 1 ? 503 : 429, retryAfter: attempt === 1 ? undefined : 11 },
        };
      if (content.startsWith('broken')) return { latencyMs: 3, error: { status: 400 } };
      return { latencyMs: 20, text: 'an answer of five words' };
    },
  });

/** The same by a provider whose connections are real, as far as the runtime can tell. */
export const liveProvider = (outside) => {
  const attempts = new Map();
  return heddle.custom(async ({ messages }, { signal }) => {
    const [{ content }] = messages;
    const attempt = (attempts.get(content) ?? 0) + 1;
    attempts.set(content, attempt);
    await outside.effect(signal);
    if (content.startsWith('flaky') && attempt % 3 !== 0)
      throw Object.assign(new Error('try again'), {
        status: attempt % 3 === 1 ? 503 : 429,
        headers: { 'retry-after-ms': '11' },
      });
    if (content.startsWith('broken')) throw Object.assign(new Error('no'), { status: 400 });
    return (async function* () {
      outside.open++;
      try {
        for (const word of ['an ', 'answer ', 'of ', 'five ', 'words']) {
          await null;
          yield word;
        }
      } finally {
        outside.open--;
      }
    })();
  });
};

/** The parts: each gets its context and what it may use. */
export const parts = {
  delay: (ctx) => ctx.delay(5),
  'delay with a signal': (ctx, { signal }) => ctx.delay(5, { signal }),
  'delay that its signal ends': async (ctx, { abortable }) => {
    const { signal, abort } = abortable();
    const child = ctx.submit(async (c) => {
      await c.delay(2);
      abort('over');
    });
    assert.equal((await rejectionIn(ctx, ctx.delay(1e6, { signal }))).reason, 'over');
    await ctx.await(child);
  },
  yield: (ctx) => ctx.yield(),
  child: async (ctx, { signal }) => assert.equal(await ctx.await(ctx.submit(after(3, 'x'), { signal })), 'x'),
  'child that nobody awaits': (ctx) => void ctx.submit(after(4)),
  'failing child': async (ctx) =>
    assert.equal((await rejectionIn(ctx, ctx.await(ctx.submit(after(2, new Error('child')))))).message, 'child'),
  'child with limits': async (ctx) => {
    const child = ctx.submit(forever, { timeout: 6, queueTimeout: 1e6, deadline: ctx.now() + 1e6 });
    assert.equal((await rejectionIn(ctx, ctx.await(child))).limit, 'timeout');
    const due = ctx.submit(forever, { deadline: ctx.now() + 3 });
    assert.equal((await rejectionIn(ctx, ctx.await(due))).limit, 'deadline');
  },
  'await with a timeout': async (ctx, { signal }) => {
    const child = ctx.submit(after(20));
    assert.equal((await rejectionIn(ctx, ctx.await(child, { timeout: 4, signal }))).code, 'Timeout');
  },
  awaitAll: async (ctx, { signal }) =>
    ctx.awaitAll([ctx.submit(after(4)), ctx.submit(after(2)), ctx.submit(() => 1)], { signal }),
  awaitAllSettled: async (ctx) =>
    ctx.awaitAllSettled([ctx.submit(after(4)), ctx.submit(after(2, new Error('x'))), ctx.submit(after(1))]),
  awaitAny: async (ctx, { signal }) =>
    ctx.awaitAny([ctx.submit(forever), ctx.submit(after(2, new Error('x'))), ctx.submit(after(3))], {
      losers: 'cancel',
      signal,
    }),
  race: async (ctx) => ctx.race([ctx.submit(forever), ctx.submit(after(2, new Error('x')))], { losers: 'cancel' }),
  'several waits at once': (ctx, { signal }) =>
    Promise.all([
      ctx.delay(5),
      ctx.await(ctx.submit(after(3))),
      ctx.llm('quick'),
      ctx.delay(1, { signal }),
      ctx.yield(),
    ]),
  scope: (ctx, { signal }) =>
    ctx.scope(
      async (s) => {
        s.submit(after(3));
        s.submit(after(5));
        await s.delay(1);
        await s.await(s.submit(after(1)));
      },
      { timeout: 1e6, signal },
    ),
  'scope with a failure': async (ctx) => {
    const failing = ctx.scope(async (s) => {
      s.submit(forever);
      s.submit(after(3, new Error('scope')));
      await s.delay(1e6);
    });
    assert.equal((await rejectionIn(ctx, failing)).message, 'scope');
  },
  'scopes with joiners': async (ctx) => {
    const body = (s) => {
      s.submit(forever);
      for (const ms of [2, 4, 6]) s.submit(after(ms, ms));
    };
    assert.equal(await ctx.scope(body, { joiner: 'any' }), 2);
    assert.deepEqual(await ctx.scope(body, { joiner: heddle.quorum(2) }), [2, 4]);
  },
  'nested scopes': (ctx) =>
    ctx.scope((outer) =>
      outer.scope((inner) => inner.await(inner.submit((c) => c.scope((s) => void s.submit(after(2)))))),
    ),
  llm: async (ctx, { signal }) => assert.equal((await ctx.llm('question', { signal })).text, 'an answer of five words'),
  'llm with retries': async (ctx, { signal }) =>
    assert.equal((await ctx.llm('flaky', { signal, timeout: 1e6 })).attempts, 3),
  'llm that fails': async (ctx) => assert.equal((await rejectionIn(ctx, ctx.llm('broken'))).status, 400),
  'more calls than places': (ctx) => Promise.all([1, 2, 3, 4].map((n) => ctx.llm(`question ${n}`))),
  stream: async (ctx, { signal }) => {
    let text = '';
    for await (const chunk of ctx.llmStream('question', { signal })) text += chunk.text;
    assert.equal(text, 'an answer of five words');
  },
  'stream that is left': async (ctx) => {
    for await (const _ of ctx.llmStream('question')) break;
  },
  'stream that nobody reads': async (ctx) => {
    ctx.llmStream('question');
    // No delay: time stands still while its connection is open.
    await ctx.yield();
  },
  'result of a stream': async (ctx) => assert.equal((await ctx.llmStream('flaky stream').result).attempts, 3),
  call: async (ctx, { outside, signal }) =>
    assert.equal(await ctx.call('effect', (given) => outside.effect(given.signal), { signal }), 'effect'),
  'call with a timeout': async (ctx, { outside }) => {
    // Time stands still while it is under way, but for what advance() lets pass.
    const stuck = rejectionIn(
      ctx,
      ctx.call('stuck', (given) => outside.stuck(given.signal), { timeout: 5 }),
    );
    const passed = ctx.runtime.clock.advance(5);
    assert.equal((await stuck).code, 'Timeout');
    await passed;
  },
  shield: async (ctx, { outside }) => {
    await ctx.shield(
      async (safe) => {
        await safe.delay(2);
        await safe.call('commit', (given) => outside.effect(given.signal));
        await safe.await(safe.submit(after(2)));
        await safe.llm('question');
      },
      { timeout: 1e6 },
    );
  },
  'clean-up in a shield': async (ctx) => {
    try {
      await ctx.delay(3);
    } finally {
      await ctx.shield((safe) => safe.delay(2), { timeout: 1e6 });
    }
  },
  mapConcurrent: async (ctx, { signal }) => {
    const out = [];
    const fn = async (x, _i, c) => {
      await c.delay(5 - x);
      return x;
    };
    for await (const x of ctx.mapConcurrent([1, 2, 3, 4], fn, { concurrency: 2, signal })) out.push(x);
    assert.deepEqual(out, [1, 2, 3, 4]);
  },
  'mapConcurrent that is left': async (ctx) => {
    async function* source() {
      for (let i = 0; ; i++) {
        await null;
        yield i;
      }
    }
    for await (const _ of ctx.mapConcurrent(source(), (_x, i, c) => c.delay(i), { concurrency: 3, ordered: false }))
      break;
  },
  generator: (ctx, { signal }) =>
    ctx.await(
      ctx.submit(function* (c) {
        try {
          yield c.delay(2, { signal });
          yield c.awaitAll([c.submit(after(1)), c.submit(after(2))]);
          yield c.llm('question');
        } finally {
          yield c.shield((safe) => safe.yield(), { timeout: 1e6 });
        }
      }),
    ),
  signal: async (ctx) => {
    ctx.signal.addEventListener('abort', () => {}, { once: true });
    await ctx.delay(1);
  },
};

// A failure that the program expects; the task's own cancellation is none.
async function rejectionIn(ctx, promise) {
  const error = await rejection(promise);
  ctx.checkCancellation();
  return error;
}

/** The whole program: one part after the other, then all of them side by side. */
export const program = (given) => async (ctx) => {
  for (const [name, part] of Object.entries(parts)) await ctx.await(ctx.submit((c) => part(c, given), { name }));
  await ctx.awaitAll(Object.entries(parts).map(([name, part]) => ctx.submit((c) => part(c, given), { name })));
};
