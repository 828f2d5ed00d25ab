/**
 * A small program for each half of the package, and what it must give: run in Node, in pages and in workers, and from every
 * way of loading the package, the outcomes must be the same. It imports nothing, so that a page can load it as it is.
 *
 * A scenario gets `open(config)`, which makes a runtime of the variant under test, and the package itself; what it gives must
 * survive JSON. A scenario without an expectation must give what it gives in Node; what it says `tookPart` must be true.
 */

const caught = (promise) => promise.then(
  () => 'resolved',
  (error) => error,
);

export const scenarios = {
  'tasks run under their limit and give their results in order': {
    expected: { values: [0, 1, 4, 9, 16, 25], atMost: 2, states: ['completed'] },
    async run({ open }) {
      const rt = await open({ maxConcurrentTasks: 2, clock: 'virtual' });
      let running = 0;
      let atMost = 0;
      const tasks = Array.from({ length: 6 }, (_, i) =>
        rt.submit(async (ctx) => {
          atMost = Math.max(atMost, ++running);
          await ctx.delay(10 - i);
          running--;
          return i * i;
        }),
      );
      const values = await rt.awaitAll(tasks);
      return { values, atMost, states: [...new Set(tasks.map(({ state }) => state))] };
    },
  },

  'a cancel reaches the whole tree in the same turn': {
    expected: { states: ['cancelled', 'cancelled'], code: 'Cancelled', reason: 'enough', isTyped: true, cleaned: true },
    async run({ open, heddle }) {
      const rt = await open({ clock: 'virtual' });
      let cleaned = false;
      let child;
      let begin;
      const begun = new Promise((resolve) => {
        begin = resolve;
      });
      const parent = rt.submit(async (ctx) => {
        child = ctx.submit(async (inner) => {
          try {
            await inner.call('endless', ({ signal }) => {
              begin();
              return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
            });
          } finally {
            cleaned = true;
          }
        });
        await ctx.await(child);
      });
      const outcome = caught(parent.promise);
      await begun;
      rt.cancel(parent.id, 'enough');
      const states = [parent.state, child.state];
      const error = await outcome;
      await rt.close();
      return { states, code: error.code, reason: error.reason, isTyped: error instanceof heddle.CancellationError, cleaned };
    },
  },

  'scopes decide by their joiners': {
    expected: { all: [1, 2, 3], any: 2, quorum: [3, 1], failed: 'no', left: 0 },
    async run({ open, heddle }) {
      const rt = await open({ clock: 'virtual' });
      const after = (ms, value) => async (ctx) => {
        await ctx.delay(ms);
        if (value instanceof Error) throw value;
        return value;
      };
      const all = await rt.scope((s) => void [after(3, 1), after(2, 2), after(1, 3)].forEach((body) => s.submit(body)), { joiner: 'all' });
      const any = await rt.scope((s) => void [after(1, new Error('early')), after(2, 2), after(9, 3)].forEach((body) => s.submit(body)), { joiner: 'any' });
      const two = await rt.scope((s) => void [after(2, 1), after(5, 2), after(1, 3)].forEach((body) => s.submit(body)), { joiner: heddle.quorum(2) });
      const failed = await caught(rt.scope((s) => void [after(1, new Error('no')), after(99, 1)].forEach((body) => s.submit(body)), { joiner: 'all' }));
      const { pendingTasks, runningTasks, suspendedTasks } = rt.getStats();
      return { all, any, quorum: two, failed: failed.message, left: pendingTasks + runningTasks + suspendedTasks };
    },
  },

  'virtual time jumps to the next timer': {
    expected: { order: ['hour', 'day', 'year'], now: 31_536_000_000 },
    async run({ open }) {
      const rt = await open({ clock: 'virtual' });
      const order = [];
      const hour = 3_600_000;
      for (const [name, ms] of [['year', 8760 * hour], ['hour', hour], ['day', 24 * hour]]) {
        rt.submit(function* (ctx) {
          yield ctx.delay(ms);
          order.push(name);
        });
      }
      await rt.onIdle();
      return { order, now: rt.clock.now() };
    },
  },

  'a stream gives its answer piece by piece': {
    expected: { joined: 'one two three four', several: true, same: true, leaving: 'Cancelled' },
    async run({ open, heddle }) {
      const provider = heddle.simulated({ script: () => ({ text: 'one two three four', latencyMs: 100 }) });
      const rt = await open({ clock: 'virtual', provider });
      const task = rt.submit(async (ctx) => {
        const stream = ctx.llmStream('count');
        const pieces = [];
        for await (const chunk of stream) pieces.push(chunk.text);
        return { pieces, text: (await stream.result).text };
      });
      const { pieces, text } = await task.promise;
      const left = rt.llmStream('count');
      for await (const _ of left) break;
      const error = await caught(left.result);
      return { joined: pieces.join(''), several: pieces.length > 1, same: text === pieces.join(''), leaving: error.code };
    },
  },

  'calls are limited, retried, and fail with typed errors': {
    expected: { texts: ['third time', 'third time', 'third time'], attempts: [3, 3, 3], status: 401, tries: 1, isTyped: true, retries: 6 },
    async run({ open, heddle }) {
      const provider = heddle.simulated({
        script: (request, n) => {
          if (request.messages[0].content === 'forbidden') return { latencyMs: 1, error: { status: 401 } };
          return n < 3 ? { latencyMs: 5, error: { status: 503 } } : { latencyMs: 5, text: 'third time' };
        },
      });
      const rt = await open({ clock: 'virtual', provider, maxConcurrentLLMCalls: 2 });
      const answers = await rt.awaitAll(['a', 'b', 'c'].map((prompt) => rt.submit((ctx) => ctx.llm(prompt))));
      const error = await caught(rt.llm('forbidden'));
      return {
        texts: answers.map(({ text }) => text),
        attempts: answers.map(({ attempts }) => attempts),
        status: error.status,
        tries: error.attempts,
        isTyped: error instanceof heddle.LLMError,
        retries: rt.getStats().llmRetries,
      };
    },
  },

  'real time passes too, and a closed runtime says so': {
    expected: { advanced: true, timeout: 'TimeoutError', closed: 'ClosedError' },
    async run({ open }) {
      const rt = await open({});
      const before = rt.clock.now();
      await rt.delay(1);
      const advanced = rt.clock.now() - before >= 1;
      const error = await caught(rt.submit((ctx) => ctx.delay(1e9), { timeout: 1 }).promise);
      await rt.close();
      const refused = await caught(rt.delay(1));
      return { advanced, timeout: error.name, closed: refused.name };
    },
  },

  'an answer that does not fit its schema is repaired, and what fits is typed': {
    expected: { value: { size: 3, names: ['a'] }, attempts: 2, code: 'StructuredOutputError', path: '/size', refused: 'ArgumentError' },
    async run({ open, heddle }) {
      const provider = heddle.simulated({
        script: ({ messages }, n) => ({ latencyMs: 5, text: messages[0].content === 'hopeless' || n === 1 ? '{"size":"3","names":["a"]}' : '{"size":3,"names":["a"]}' }),
      });
      const rt = await open({ clock: 'virtual', provider });
      // What a validator that writes code would have to compile.
      const schema = {
        type: 'object',
        properties: { size: { type: 'integer', minimum: 1 }, names: { type: 'array', items: { $ref: '#/$defs/name' }, uniqueItems: true } },
        required: ['size', 'names'],
        additionalProperties: false,
        $defs: { name: { type: 'string', pattern: '^[a-z]+$' } },
      };
      const { value, attempts } = await rt.llm('sizes', { schema, repair: 1 });
      const error = await caught(rt.llm('hopeless', { schema, repair: 1 }));
      const refused = await caught(rt.submit((ctx) => ctx.llm('x', { schema: { type: 'strange' } })).promise);
      return { value, attempts, code: error.name, path: error.problems[0].path, refused: refused.name };
    },
  },

  'rates, plans, hedges and circuits': {
    async run({ open, heddle }) {
      const slow = heddle.simulated({ script: (_request, n) => ({ latencyMs: n === 1 ? 9000 : 40, text: 'by slow' }) });
      const failures = { left: 6 };
      const dying = heddle.simulated({ script: () => (failures.left-- > 0 ? { latencyMs: 3, error: { status: 500 } } : { latencyMs: 3, text: 'by dying' }) });
      const provider = heddle.simulated({
        seed: 3,
        script: ({ model }, n) => {
          if (model === 'spent') return { latencyMs: 8, error: { status: 402 } };
          if (model === 'busy' && n < 3) return { latencyMs: 8, error: { status: 429, retryAfter: n === 1 ? 250 : undefined } };
          return { latencyMs: 30, text: `by ${model}` };
        },
      });
      const rt = await open({
        clock: 'virtual',
        seed: 5,
        provider,
        maxConcurrentLLMCalls: 6,
        rates: { requestsPerMinute: 12, tokensPerMinute: 2500, outputTokens: 100, models: { small: { requestsPerMinute: 5 } }, tenants: { '*': { requestsPerMinute: 9 } } },
        adaptive: { initial: 2, max: 8 },
        breaker: { failures: 3, pause: 2000, probes: 1 },
        hedging: { share: 1, burst: 5 },
      });
      const asked = [{ model: 'large' }, { model: 'small' }, { model: ['spent', 'busy'] }, { model: 'busy' }, { model: [slow], hedge: { delay: 100 } }, { model: [dying, 'small'] }];
      const tasks = Array.from({ length: 42 }, (_, i) =>
        rt.submit(
          async (ctx) => {
            await ctx.delay(Math.floor(ctx.random() * 20_000));
            const { text, attempts, planEntry, timings } = await ctx.llm(`question ${i}`, asked[i % asked.length]);
            return [text, attempts, planEntry ?? null, timings.attempts.map(({ startedAt, endedAt }) => [startedAt, endedAt])];
          },
          { key: `tenant ${i % 3}` },
        ),
      );
      // A cancel while most of them wait for the minute's limits.
      rt.submit(async (ctx) => {
        await ctx.delay(30_000);
        rt.cancel(tasks[41].id);
      });
      const rows = await rt.awaitAllSettled(tasks);
      const { commandHash, events, steps, llmCalls, llmRetries, llmHedges, llmFallbacks, reservations, openReservations, gates } = rt.getStats();
      const codes = rows.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.code);
      return {
        tookPart: {
          retries: llmRetries > 0,
          hedges: llmHedges > 0,
          fallbacks: llmFallbacks > 0,
          reservations: reservations >= llmCalls && openReservations === 0,
          rates: rt.clock.now() > 120_000,
          circuits: gates.some(({ circuit }) => circuit !== 'closed'),
          cancels: codes.includes('Cancelled'),
          gates: ['tenant', 'model', 'endpoint'].every((kind) => gates.some((gate) => gate.kind === kind)),
        },
        rows: rows.map(({ status, value, reason }) => (status === 'fulfilled' ? value : [reason.name, reason.code, reason.message])),
        stats: { commandHash, events, steps, llmCalls, llmRetries, llmHedges, llmFallbacks, reservations },
        gates: gates.map((gate) => ({ ...gate })),
        now: rt.clock.now(),
      };
    },
  },

  determinism: {
    async run({ open, heddle }) {
      const provider = heddle.simulated({ seed: 11, failures: 0.3 });
      const rt = await open({ clock: 'virtual', seed: 7, provider, dispatch: { policy: 'random' }, maxConcurrentTasks: 5, maxConcurrentLLMCalls: 3, fairnessMode: 'round-robin' });
      const trace = [];
      const tasks = Array.from({ length: 30 }, (_, i) =>
        rt.submit(
          async (ctx) => {
            await ctx.delay(Math.floor(ctx.random() * 50));
            const child = ctx.submit(function* (inner) {
              for (let turn = 0; turn < i % 4; turn++) yield inner.yield();
              return inner.uuid();
            });
            const { text } = await ctx.llm(`question ${i}`);
            trace.push(`${i} ${await ctx.await(child)} ${text.length} ${ctx.now()}`);
          },
          { key: `k${i % 3}`, name: `n${i}` },
        ),
      );
      rt.submit(async (ctx) => {
        await ctx.delay(120);
        rt.cancel(tasks[17].id);
      });
      const rows = await rt.awaitAllSettled(tasks);
      const { commandHash, events, steps, llmRetries } = rt.getStats();
      return { trace, outcomes: rows.map(({ status }) => status[0]).join(''), commandHash, events, steps, llmRetries, now: rt.clock.now() };
    },
  },
};

/** Runs them all; gives each one's outcome by name, an error as its text, and which variant really ran. */
export async function runScenarios(heddle, variant) {
  const outcomes = {};
  const variants = new Set();
  for (const [name, { run }] of Object.entries(scenarios)) {
    const runtimes = [];
    const open = async (config) => {
      const rt = await heddle.createRuntime({ variant, ...config });
      runtimes.push(rt);
      variants.add(rt.variant);
      return rt;
    };
    try {
      outcomes[name] = await run({ open, heddle });
    } catch (error) {
      outcomes[name] = `threw ${error.stack}`;
    }
    for (const rt of runtimes) await rt.close();
  }
  return { outcomes, variants: [...variants] };
}
