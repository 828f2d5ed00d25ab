// Every wait of a call ends in the turn in which somebody ends it, whatever it waits for and whoever ends it: the promise is
// rejected, what is on the wire is closed without another word, nothing is sent afterwards, and nothing is left.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asking, assertNothingLeft, connected } from '../support/calls.mjs';
import heddle from '../support/heddle.mjs';
import { holdTime } from '../support/limited.mjs';
import { deferred, rejection, turns, until } from '../support/tasks.mjs';

const reads = async (ctx, prompt, options) => {
  for await (const _ of ctx.llmStream(prompt, options));
};
const { llm, llmStream } = asking;
const both = { llm, llmStream };

/** Where a call can wait: how it gets there, what explain says, and how many requests the server has open for it then, whose end it
 * must see. */
const waits = {
  'for a place in flight': {
    ways: both, reason: 'llmPlace', open: 0,
    config: { maxConcurrentLLMCalls: 1 }, server: { latencyMs: 'manual' },
    before: async ({ rt, server }) => {
      rt.llm('holder').catch(() => {});
      await server.whenHeld(1);
    },
  },
  'for a rate': {
    ways: both, reason: 'rate', open: 0,
    config: { rates: { requestsPerMinute: 1 } },
    before: ({ rt }) => rt.llm('first'),
  },
  'for a place at its model': {
    ways: both, reason: 'gatePlace', open: 0,
    config: { rates: { maxConcurrent: 1 } }, server: { latencyMs: 'manual' },
    before: async ({ rt, server }) => {
      rt.llm('holder').catch(() => {});
      await server.whenHeld(1);
    },
  },
  'between two attempts': {
    ways: both, reason: 'backoff', open: 0, config: { retry: { maxRetryAfter: 1e9 } },
    server: { fault: () => ({ fault: 'retry-after-seconds', ms: 1e6 }) },
  },
  'for the headers of the answer': {
    ways: both, reason: 'call', open: 1, server: { latencyMs: 'manual' },
    there: ({ server }) => server.whenHeld(1),
  },
  'for its first token, with a limit of its own': {
    ways: both, reason: 'call', open: 1, server: { latencyMs: 'manual' }, options: { timeToFirstToken: 1e7 },
    there: ({ server }) => server.whenHeld(1),
  },
  'for the body of the answer': {
    // The server counts it as answered when it begins to answer; that the connection closed it sees all the same.
    ways: { llm }, reason: 'call', open: 0, server: { fault: () => ({ fault: 'slow-drip', everyMs: 1e8 }) },
    there: async ({ server }) => {
      await server.whenRequests(1);
      await turns();
    },
    gone: ({ server }) => server.whenSocketsClosed(),
  },
  'for two hedged requests': {
    ways: both, reason: 'call', open: 2, server: { latencyMs: 'manual' }, options: { hedge: { delay: 10 } },
    there: async ({ rt, server }) => {
      await server.whenHeld(1);
      rt.clock.advance(10);
      await server.whenHeld(2);
    },
  },
  'for the next piece of a stream': {
    ways: { reads }, reason: 'chunk', open: 1, server: { pauseAfter: 1, respond: () => 'one two' },
    there: ({ server }) => server.whenHeld(1),
  },
  'for a piece that stalls': {
    ways: { reads }, reason: 'chunk', open: 1, server: { pauseAfter: 1, respond: () => 'one two' }, options: { stallTimeout: 1e7 },
    there: ({ server }) => server.whenHeld(1),
  },
  'to begin a stream again': {
    ways: { reads }, reason: 'backoff', open: 0, options: { afterFirstToken: 'restart' },
    config: { retry: { baseDelay: 1e9, maxDelay: 1e9 } }, server: { fault: () => ({ fault: 'cut-stream', after: 1 }), respond: () => 'one two' },
  },
};

const endings = {
  'its task is cancelled': { act: ({ rt, task }) => rt.cancel(task.id, 'enough'), code: 'Cancelled', isAtOnce: true },
  'its own signal aborts': { act: ({ controller }) => controller.abort('enough'), code: 'Cancelled' },
  'its own timeout ends': { act: ({ rt }) => rt.clock.advance(5000), code: 'Timeout', options: { timeout: 5000 } },
  'a sibling in its scope fails': { act: ({ sibling }) => sibling.reject(new Error('the sibling failed')), code: 'Cancelled' },
  'the runtime closes': { act: (it) => void (it.closing = it.rt.close()), code: 'Cancelled', isAtOnce: true },
};

/** All microtasks, and no turn of the event loop. */
async function microtasks() {
  for (let i = 0; i < 200; i++) await null;
}

for (const [place, wait] of Object.entries(waits)) {
  for (const [way, ask] of Object.entries(wait.ways)) {
    for (const [ending, { act, code, options, isAtOnce = false }] of Object.entries(endings)) {
      test(`${way} waits ${place} and ${ending}`, async (t) => {
        const { server, rt } = await connected(t, wait.server, { clock: 'virtual', ...wait.config });
        const it = { server, rt, controller: new AbortController(), sibling: deferred() };
        await wait.before?.(it);
        const release = holdTime(rt);
        let error;
        const scope = rt.scope(async (s) => {
          it.task = s.submit(async (ctx) => {
            const asked = ask(ctx, 'q', { signal: it.controller.signal, ...wait.options, ...options });
            asked.catch((reason) => {
              error = reason;
            });
            await asked;
          });
          s.submit((ctx) => ctx.call('sibling', () => it.sibling.promise)).promise.catch(() => {});
        });
        it.sibling.promise.catch(() => {});
        const scopeOver = scope.catch(() => {});
        await wait.there?.(it);
        await until(`it waits ${place}`, () => it.task !== undefined && rt.explain(it.task.id)[0].reason === wait.reason);
        const { requests, aborts } = server.stats();
        assert.equal(error, undefined);

        let settled = false;
        it.task.promise.catch(() => {
          settled = true;
        });
        act(it);
        await microtasks();
        // A cancelled task is over at once, whatever its body does.
        if (isAtOnce) assert.ok(settled, 'the task was not over in that turn');
        // The body hears of it in the runtime's next turn.
        await turns();
        assert.ok(error !== undefined, 'the promise was not rejected');
        assert.equal(error.code, code, error.stack);
        await server.whenAborted(aborts + wait.open);
        await wait.gone?.(it);
        assert.equal(server.stats().requests, requests, 'nothing else was sent');

        assert.equal((await rejection(it.task.promise)).code, code);
        it.sibling.resolve();
        await Promise.all([release(), scopeOver, it.closing]);
        if (it.closing !== undefined) {
          await server.whenIdle();
          return;
        }
        server.options.latencyMs = 0;
        server.release();
        await rt.onIdle();
        await assertNothingLeft(rt, server);
        assert.equal(server.stats().requests, requests);
      });
    }
  }
}

for (const [place, wait] of Object.entries(waits)) {
  for (const [way, ask] of Object.entries(wait.ways)) {
    test(`${way} outside any task waits ${place} and the runtime closes`, async (t) => {
      const { server, rt } = await connected(t, wait.server, { clock: 'virtual', ...wait.config });
      await wait.before?.({ server, rt });
      const release = holdTime(rt);
      let error;
      ask(rt, 'q', wait.options).catch((reason) => {
        error = reason;
      });
      await wait.there?.({ server, rt });
      if (wait.open === 0 && wait.gone === undefined) await until('it waits', () => rt.getStats().waitingLLMCalls > 0 || rt.getStats().backoffLLMCalls > 0);
      assert.equal(error, undefined);
      const { requests, aborts } = server.stats();
      const closing = rt.close();
      await turns();
      assert.ok(error instanceof heddle.ClosedError || error instanceof heddle.CancellationError, String(error));
      await server.whenAborted(aborts + wait.open);
      await wait.gone?.({ server });
      await Promise.all([release(), closing]);
      assert.equal(server.stats().requests, requests);
      await server.whenIdle();
    });
  }
}

test('a call that finds the circuit open does not wait at all', async (t) => {
  const { server, rt } = await connected(t, { fault: () => 500 }, { clock: 'virtual', retry: { maxAttempts: 1 }, breaker: { failures: 1 } });
  await rejection(rt.llm('q'));
  for (const ask of Object.values(both)) {
    let error;
    ask(rt, 'q').catch((reason) => {
      error = reason;
    });
    await turns(1);
    assert.ok(error instanceof heddle.CircuitOpenError, String(error));
  }
  assert.equal(server.stats().requests, 1);
  await assertNothingLeft(rt, server);
});
