// Limits of requests and tokens a minute, and of requests at once: they hold in every closed window of 60 s as the provider
// sees it, nothing is lost of what they allow, and what is not used comes back. Long because each limit meets each way in
// which a call waits, ends or is counted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asking, assertNothingLeft, connected, protocols } from '../support/calls.mjs';
import heddle, { open } from '../support/heddle.mjs';
import { at, gateOf, kWindow, limited, promptOf, timesOf } from '../support/limited.mjs';
import { assertAtRest, rejection, thrown, turns } from '../support/tasks.mjs';

/** 16 tokens a text, 4 the message, 80 the answer: a hundred each. */
const hundred = { tokenizer: () => 16, outputTokens: 80 };
const hundredUsed = { usage: { inputTokens: 20, outputTokens: 80 } };

const many = (n, ask) => Promise.all(Array.from({ length: n }, (_, i) => ask(`q ${i}`)));

// --- The window ---

for (const way of Object.keys(asking)) {
  test(`${way}: no closed window has more requests than the limit, and each has all that it allows`, async (t) => {
    const { rt, log, worst } = await limited(t, { rates: { requestsPerMinute: 10 } }, { limits: { requestsPerMinute: 10, refuse: true } });
    await many(35, (prompt) => asking[way](rt, prompt));
    assert.deepEqual(timesOf(log), Array.from({ length: 35 }, (_, i) => Math.floor(i / 10) * kWindow));
    assert.equal(worst().requests, 10);
    assertAtRest(rt);
  });

  test(`${way}: no closed window has more tokens than the limit`, async (t) => {
    const { rt, log, worst } = await limited(t, { rates: { tokensPerMinute: 1000, ...hundred } }, { script: () => hundredUsed, limits: { tokensPerMinute: 1000, refuse: true } });
    await many(35, (prompt) => asking[way](rt, prompt));
    assert.deepEqual(timesOf(log), Array.from({ length: 35 }, (_, i) => Math.floor(i / 10) * kWindow));
    assert.equal(worst().tokens, 1000);
    assertAtRest(rt);
  });
}

test('calls that come one by one use the window as it slides: each counts from its own time', async (t) => {
  const { rt, log } = await limited(t, { rates: { requestsPerMinute: 3 } });
  await rt.submit(async (ctx) => {
    for (let i = 0; i < 7; i++) {
      await ctx.llm(`q ${i}`);
      await ctx.delay(990);
    }
  }).promise;
  assert.deepEqual(timesOf(log), [0, 1000, 2000, kWindow, kWindow + 1000, kWindow + 2000, 2 * kWindow]);
  assertAtRest(rt);
});

test('a retry is a request: it takes its place in the window', async (t) => {
  const script = (_request, n) => (n < 3 ? { error: { status: 500 } } : undefined);
  const { rt, log, worst } = await limited(t, { rates: { requestsPerMinute: 2 }, retry: { baseDelay: 0 } }, { script });
  const { attempts } = await rt.llm('q');
  assert.deepEqual([attempts, timesOf(log)], [3, [0, 10, kWindow]]);
  assert.equal(worst().requests, 2);
  assertAtRest(rt);
});

for (const protocol of protocols) {
  for (const way of Object.keys(asking)) {
    test(`${protocol} ${way}: a server with limits refuses nothing, whatever it does meanwhile`, async (t) => {
      const limits = { requestsPerMinute: 12, tokensPerMinute: 2000, refuse: true, now: () => now() };
      let now = () => 0;
      const fault = ({ prompt, attempt }) => (attempt === 1 && Number(prompt) % 7 === 3 ? 500 : undefined);
      const tokenizer = (text) => text.split(/\s+/).length;
      const { server, rt } = await connected(t, { limits, rates: true, fault }, {
        protocol, clock: 'virtual', retry: { baseDelay: 10 }, rates: { requestsPerMinute: 12, tokensPerMinute: 2000, tokenizer, outputTokens: 100 },
      });
      now = () => rt.clock.now();
      const results = await Promise.all(Array.from({ length: 40 }, (_, i) => asking[way](rt, String(i), { maxTokens: 150 })));
      assert.equal(results.filter(({ attempts }) => attempts === 2).length, 6);
      const { worstWindow, log } = server.stats();
      assert.ok(log.every(({ status }) => status !== 429));
      assert.ok(worstWindow.requests <= 12 && worstWindow.requests >= 10, JSON.stringify(worstWindow));
      assert.ok(worstWindow.tokens <= 2000, JSON.stringify(worstWindow));
      await assertNothingLeft(rt, server);
    });
  }
}

// --- Whose limit ---

test('each model has the limits for its name, else the common ones; `{}` frees it', async (t) => {
  const rates = { requestsPerMinute: 4, models: { small: { requestsPerMinute: 2 }, free: {} } };
  const { rt, log } = await limited(t, { rates });
  await Promise.all(['small', 'free', 'other', 'another'].map((model) => many(5, (prompt) => rt.llm(prompt, { model }))));
  const of = (wanted) => timesOf(log, ({ model }) => model === wanted);
  assert.deepEqual(of('small'), [0, 0, kWindow, kWindow, 2 * kWindow]);
  assert.deepEqual(of('free'), [0, 0, 0, 0, 0]);
  assert.deepEqual(of('other'), [0, 0, 0, 0, kWindow]);
  assert.deepEqual(of('another'), [0, 0, 0, 0, kWindow]);
  assertAtRest(rt);
});

test('a total holds over all models of an endpoint, beside their own limits', async (t) => {
  const { rt, log } = await limited(t, { rates: { requestsPerMinute: 3, total: { requestsPerMinute: 5 } } });
  await Promise.all(['a', 'b'].map((model) => many(5, (prompt) => rt.llm(prompt, { model }))));
  const of = (wanted) => timesOf(log, ({ model }) => model === wanted);
  assert.equal(timesOf(log, ({ at }) => at === 0).length, 5);
  assert.equal(of('a').filter((at) => at === 0).length, 3);
  assert.equal(timesOf(log, ({ at }) => at === kWindow).length, 5);
  assertAtRest(rt);
});

test('a tenant is named by the call, else by the nearest key of its task; `*` is each one that is not named', async (t) => {
  const rates = { tenants: { gold: { requestsPerMinute: 3 }, '*': { requestsPerMinute: 1 } } };
  const { rt, log } = await limited(t, { rates });
  const ask = (prompt, tenant) => many(4, () => rt.llm(prompt, { tenant }));
  const task = (prompt, key) => rt.submit((ctx) => ctx.await(ctx.submit((child) => child.llm(prompt))), { key }).promise;
  await Promise.all([
    ask('gold', 'gold'), ask('tin', 'tin'), ask('none', undefined),
    task('keyed', 'copper'), task('keyed', 'copper'), task('keyed', 'iron'),
    rt.submit((ctx) => ctx.llm('overridden', { tenant: 'lead' }), { key: 'copper' }).promise,
  ]);
  const of = (wanted) => timesOf(log, ({ prompt }) => prompt === wanted);
  assert.deepEqual(of('gold'), [0, 0, 0, kWindow]);
  assert.deepEqual(of('tin'), [0, kWindow, 2 * kWindow, 3 * kWindow]);
  assert.deepEqual(of('none'), [0, 0, 0, 0]);
  assert.deepEqual(of('keyed'), [0, 0, kWindow]);
  assert.deepEqual(of('overridden'), [0]);
  assertAtRest(rt);
});

test('a tenant or a model whose name every object knows has its limit like any other', async (t) => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    const { rt, log } = await limited(t, { rates: { requestsPerMinute: 2, models: { big: {} }, tenants: { '*': { requestsPerMinute: 1 } } } });
    await many(3, (prompt) => rt.llm(prompt, { model: name }));
    await many(2, (prompt) => rt.llm(`tenant ${prompt}`, { model: 'big', tenant: name }));
    assert.deepEqual(timesOf(log), [0, 0, kWindow, kWindow + 10, 2 * kWindow + 10], name);
    assertAtRest(rt);
  }
});

test('two providers of one endpoint share its limits; two endpoints do not', async (t) => {
  const { server, rt } = await connected(t, {}, { clock: 'virtual', rates: { requestsPerMinute: 2 } });
  const one = (apiKey) => heddle.openai({ baseURL: server.openaiBaseURL, apiKey, model: 'm' });
  const asked = async (provider) => (await rt.llm('q', { model: [provider] })).timings.startedAt;
  assert.deepEqual([await asked(one('k-1')), await asked(one('k-1')), await asked(one('k-2'))].map((at) => at < 1000), [true, true, true]);
  assert.ok((await asked(one('k-1'))) >= 60_000);
  await assertNothingLeft(rt, server);
});

// --- Estimates and the truth ---

test('the estimate: a token for four bytes, four a message, maxTokens or outputTokens for the answer', async (t) => {
  const held = { latencyMs: 1000 };
  const cases = [
    [{}, {}, 4 + 25 + 256],
    [{}, { maxTokens: 40 }, 4 + 25 + 40],
    [{ outputTokens: 7 }, {}, 4 + 25 + 7],
    [{ outputTokens: 0, tokenizer: (text) => text.length }, {}, 4 + 100],
    [{ outputTokens: 0, tokenizer: () => 0.2 }, {}, 4 + 1],
  ];
  for (const [more, options, tokens] of cases) {
    const { rt } = await limited(t, { rates: { tokensPerMinute: 10_000, ...more } }, { script: () => held });
    const call = rt.llm('x'.repeat(100), options);
    assert.equal(gateOf(rt, 'model').tokens, tokens);
    await call;
    assert.equal(gateOf(rt, 'model').tokens, 20);
    assertAtRest(rt);
  }
});

test('tools, calls of tools in the conversation and schemas are sent, too, and count', async (t) => {
  const seen = [];
  const tokenizer = (text) => {
    seen.push(text);
    return 10;
  };
  const { rt } = await limited(t, { rates: { tokensPerMinute: 10_000, outputTokens: 0, tokenizer } }, { script: () => ({ latencyMs: 5, text: '{}' }) });
  const parameters = { type: 'object', properties: { city: { type: 'string' } } };
  const weather = { name: 'weather', description: 'of a city', parameters };
  const prompt = [
    { role: 'user', content: 'the weather?' },
    { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'weather', arguments: '{"city":"Bern"}' }] },
    { role: 'tool', content: 'sunny', toolCallId: 'c1' },
    { role: 'user', content: [{ type: 'text', text: 'and here?' }, { type: 'image', url: 'x' }] },
  ];
  const call = rt.llm(prompt, { tools: [{ ...weather, run: () => '' }] });
  // Four frames, four texts, a called tool, the tools on offer, and an image.
  assert.equal(gateOf(rt, 'model').tokens, 4 * 4 + 4 * 10 + 10 + 10 + 1000, seen.join('\n'));
  assert.ok(seen.some((text) => text.includes('Bern')) && seen.some((text) => text.includes('of a city')));
  await call;
  seen.length = 0;
  await rt.llm('q', { schema: { type: 'object', title: 'Anything' } });
  assert.ok(seen.some((text) => text.includes('Anything')), seen.join('\n'));
  assertAtRest(rt);
});

test('what an answer did not use is free at once; what it used beyond the estimate is counted', async (t) => {
  const used = (outputTokens) => ({ usage: { inputTokens: 20, outputTokens } });
  const script = (request) => used(Number(promptOf(request)));
  const { rt, log } = await limited(t, { rates: { tokensPerMinute: 250, ...hundred } }, { script });
  // 100 and 100 are reserved, the third waits; with 30 and 30 used, it fits at 10.
  await Promise.all([10, 10, 10].map((n) => rt.llm(String(n))));
  assert.deepEqual(timesOf(log), [0, 0, 10]);
  assert.equal(gateOf(rt, 'model').tokens, 90);
  // It uses 190 instead of 100: 280 are counted, more than the limit. The next one must wait for 130 to go.
  await rt.llm('170');
  assert.equal(gateOf(rt, 'model').tokens, 280);
  await rt.llm('10');
  assert.deepEqual(timesOf(log).slice(3), [20, kWindow + 20]);
  assertAtRest(rt);
});

test('a refusal gives its tokens back, but counts as a request', async (t) => {
  const script = (_request, n) => (n === 1 ? { error: { status: 429, retryAfter: 500 } } : hundredUsed);
  const { rt } = await limited(t, { rates: { requestsPerMinute: 10, tokensPerMinute: 100, ...hundred } }, { script });
  const { timings } = await rt.llm('q');
  assert.equal(timings.startedAt, 510);
  assert.deepEqual([gateOf(rt, 'model').requests, gateOf(rt, 'model').tokens], [2, 100]);
  assertAtRest(rt);
});

test('a call that is cancelled in the queue, at the gate or in flight gives back what it held', async (t) => {
  const { rt, log } = await limited(t, { maxConcurrentLLMCalls: 1, rates: { tokensPerMinute: 300, ...hundred } }, { script: () => ({ latencyMs: 1000, ...hundredUsed }) });
  const tasks = Array.from({ length: 4 }, (_, i) => rt.submit((ctx) => ctx.llm(`q ${i}`)));
  await at(rt, 5, () => {
    const { inside, tokens, waiting } = gateOf(rt, 'model');
    assert.deepEqual([inside, tokens, waiting, rt.getStats().openReservations], [3, 300, 1, 3]);
    for (const task of tasks.reverse()) rt.cancel(task.id);
  });
  for (const task of tasks) assert.equal((await rejection(task.promise)).code, 'Cancelled');
  await rt.onIdle();
  assertAtRest(rt);
  assert.equal(gateOf(rt, 'model').tokens, 0, 'nothing was sent anywhere');
  assert.deepEqual([rt.clock.now(), log.length], [5, 1]);
});

for (const way of Object.keys(asking)) {
  test(`${way}: a call that is cancelled on the wire has used what it sent`, async (t) => {
    const { server, rt } = await connected(t, { latencyMs: 'manual' }, { clock: 'virtual', rates: { tokensPerMinute: 300, ...hundred } });
    const task = rt.submit((ctx) => asking[way](ctx, 'q'));
    await server.whenHeld(1);
    assert.equal(gateOf(rt, 'model').tokens, 100);
    rt.cancel(task.id);
    await rejection(task.promise);
    await assertNothingLeft(rt, server);
    assert.equal(gateOf(rt, 'model').tokens, 20);
  });
}

// --- Too large ---

for (const way of Object.keys(asking)) {
  test(`${way}: a request that no window could hold is a RequestTooLargeError at once`, async (t) => {
    const { rt, log } = await limited(t, { rates: { tokensPerMinute: 1000, tokenizer: (text) => text.length } });
    const error = await rejection(asking[way](rt, 'x'.repeat(100), { maxTokens: 897 }));
    assert.ok(error instanceof heddle.RequestTooLargeError, String(error));
    assert.deepEqual([error.code, error.needed, error.limit], ['RequestTooLarge', 1001, 1000]);
    assert.match(error.message, new RegExp(`^${way}: .*1001 tokens.*1000`));
    assert.deepEqual([log.length, rt.clock.now()], [0, 0]);
    await asking[way](rt, 'x'.repeat(100), { maxTokens: 896 });
    assertAtRest(rt);
  });

  test(`${way}: one that waits is told when the limit is lowered below it; others go on`, async (t) => {
    const { rt, log } = await limited(t, { rates: { tokensPerMinute: 1000, tokenizer: (text) => text.length } }, { script: () => ({ usage: { inputTokens: 10, outputTokens: 980 } }) });
    await asking[way](rt, 'x'.repeat(6), { maxTokens: 980 });
    assert.equal(rt.clock.now(), 10);
    // Waits for a window; behind it a small one.
    const settle = (promise) => promise.then(({ text }) => text.length > 0, (error) => error.code);
    const calls = [settle(asking[way](rt, 'large', { maxTokens: 900 })), settle(asking[way](rt, 'small', { maxTokens: 500 })), settle(asking[way](rt, 'huge', { maxTokens: 950 }))];
    await at(rt, 100, () => rt.configure({ rates: { tokensPerMinute: 800, tokenizer: (text) => text.length } }));
    assert.deepEqual(await Promise.all(calls), ['RequestTooLarge', true, 'RequestTooLarge']);
    assert.deepEqual(log.map(({ prompt }) => prompt), ['xxxxxx', 'small']);
    assertAtRest(rt);
  });
}

test('in a plan, a request too large for one model goes to the next', async (t) => {
  const { rt, log } = await limited(t, { rates: { models: { small: { tokensPerMinute: 100 }, large: { tokensPerMinute: 10_000 } } } });
  const { planEntry, attempts } = await rt.llm('q', { model: ['small', 'large'], maxTokens: 500 });
  assert.deepEqual([planEntry, attempts, log.length], [1, 1, 1]);
  const error = await rejection(rt.llm('q', { model: ['large', 'small'], maxTokens: 50_000 }));
  assert.deepEqual([error.code, error.limit], ['RequestTooLarge', 100]);
  assertAtRest(rt);
});

// --- Who goes first ---

test('a large request is not starved by small ones that come all the time', async (t) => {
  const tokenizer = (text) => text.length - 4;
  const script = (request) => ({ latencyMs: 1, usage: { inputTokens: promptOf(request).length, outputTokens: 0 } });
  const { rt, log, worst } = await limited(t, { maxConcurrentTasks: 2000, rates: { tokensPerMinute: 1000, tokenizer, outputTokens: 0 } }, { script });
  const small = 's'.repeat(100);
  const large = 'L'.repeat(950);
  const tasks = Array.from({ length: 60 }, (_, i) =>
    rt.submit(async (ctx) => {
      await ctx.delay(i * 3000);
      await ctx.llm(i === 4 ? large : small);
    }));
  await rt.awaitAll(tasks);
  // Before it came 4 small ones; it goes when they have left their window, and those that came later follow.
  assert.equal(log.findIndex(({ prompt }) => prompt === large), 4);
  assert.equal(log[4].at, 9000 + kWindow);
  assert.ok(worst().tokens <= 1000);
  assertAtRest(rt);
});

test('those who wait at a limit go in the order of the configured fairness', async (t) => {
  const orders = { fifo: 'a a a b b c', priority: 'c b b a a a', 'round-robin': 'a b c a b a' };
  for (const [fairnessMode, order] of Object.entries(orders)) {
    const { rt, log } = await limited(t, { fairnessMode, rates: { requestsPerMinute: 1 } });
    await rt.llm('first');
    const ask = (key, priority) => rt.submit((ctx) => ctx.llm(key), { key, priority });
    await rt.awaitAll([ask('a', 1), ask('a', 1), ask('a', 1), ask('b', 2), ask('b', 2), ask('c', 3)]);
    assert.equal(log.slice(1).map(({ prompt }) => prompt).join(' '), order, fairnessMode);
    assertAtRest(rt);
  }
});

test('one model that waits does not hold up another', async (t) => {
  const { rt, log } = await limited(t, { maxConcurrentLLMCalls: 2, rates: { models: { slow: { requestsPerMinute: 1 } } } });
  const slow = many(5, (prompt) => rt.llm(prompt, { model: 'slow' }));
  await many(20, (prompt) => rt.llm(prompt, { model: 'quick' }));
  assert.ok(rt.clock.now() <= 110);
  await slow;
  assert.deepEqual(timesOf(log, ({ model }) => model === 'slow'), [0, 1, 2, 3, 4].map((i) => i * kWindow));
  assertAtRest(rt);
});

test('maxConcurrent: of each model so many at once, a stream until its end', async (t) => {
  let most = 0;
  const { rt } = await limited(t, { rates: { maxConcurrent: 3, models: { wide: { maxConcurrent: 5 } } } }, { script: () => ({ latencyMs: 100, text: 'one two three' }) });
  const count = () => {
    most = Math.max(most, gateOf(rt, 'model', 'm').inside);
  };
  const streams = Array.from({ length: 6 }, () => rt.submit(async (ctx) => {
    for await (const _ of ctx.llmStream('q', { model: 'm' })) count();
  }));
  const calls = many(12, (prompt) => rt.llm(prompt, { model: 'm' }).then(count));
  const wide = many(10, (prompt) => rt.llm(prompt, { model: 'wide' }));
  await wide;
  assert.equal(rt.clock.now(), 200);
  await Promise.all([calls, rt.awaitAll(streams)]);
  assert.equal(most, 3);
  assert.equal(rt.clock.now(), 600);
  assertAtRest(rt);
});

// --- What people see ---

test('explain says which rate, whose, and when it lets the call through', async (t) => {
  const { rt } = await limited(t, { rates: { requestsPerMinute: 2, tenants: { '*': { requestsPerMinute: 1 } } } }, { script: () => ({ latencyMs: 100 }) });
  const ask = (tenant) => rt.submit((ctx) => ctx.llm('q', { model: 'm', tenant }));
  const [first, tenant, , third, fourth] = [ask('a'), ask('a'), ask('b'), ask('c'), ask('d')];
  await at(rt, 5, () => {
    const of = (task) => rt.explain(task.id)[0];
    assert.equal(of(first).reason, 'call');
    const { reason, since, until, gate, ahead, text } = of(tenant);
    assert.deepEqual([reason, since, until, gate, ahead], ['rate', 0, kWindow, { kind: 'tenant', name: 'a' }, 0]);
    assert.match(text, /waits for the rate of the tenant a/);
    assert.deepEqual([of(third).reason, of(third).gate.kind, of(third).until], ['rate', 'model', kWindow]);
    assert.deepEqual([of(fourth).reason, of(fourth).ahead], ['rate', 1]);
  });
  await rt.onIdle();
  assertAtRest(rt);
});

test('explain says whose places are taken, and by whom', async (t) => {
  const { rt } = await limited(t, { rates: { models: { m: { maxConcurrent: 1 } } } });
  const [holder, waiter] = [1, 2].map(() => rt.submit((ctx) => ctx.llm('q', { model: 'm' })));
  await at(rt, 5, () => {
    const [{ reason, limit, gate, tasks, ahead }] = rt.explain(waiter.id);
    assert.deepEqual([reason, limit, gate, tasks, ahead], ['gatePlace', 1, { kind: 'model', name: 'm' }, [holder.id], 0]);
  });
  await rt.onIdle();
  assertAtRest(rt);
});

test('the stats tell what each gate counts, and the calls that wait at gates', async (t) => {
  const { rt } = await limited(t, { rates: { requestsPerMinute: 2, ...hundred } }, { script: () => hundredUsed });
  const calls = many(5, (prompt) => rt.llm(prompt, { model: 'm' }));
  const { waitingLLMCalls, gates, reservations, openReservations } = await at(rt, 5, () => rt.getStats());
  assert.deepEqual([waitingLLMCalls, reservations, openReservations], [3, 2, 2]);
  assert.deepEqual(gates, [{ kind: 'model', name: 'm', inside: 2, waiting: 3, requests: 2, tokens: 200, circuit: 'closed' }]);
  await calls;
  assert.deepEqual([rt.getStats().reservations, rt.getStats().openReservations], [5, 0]);
  assertAtRest(rt);
});

// --- Live ---

test('a limit that is raised lets the next ones go at once; one that is switched off all', async (t) => {
  const { rt, log } = await limited(t, { rates: { requestsPerMinute: 2 } });
  const calls = many(20, (prompt) => rt.llm(prompt));
  await at(rt, 100, () => rt.configure({ rates: { requestsPerMinute: 5 } }));
  await at(rt, 200, () => rt.configure({ rates: {} }));
  await calls;
  assert.deepEqual(timesOf(log), [0, 0, 100, 100, 100, ...Array(15).fill(200)]);
  assertAtRest(rt);
});

test('a limit that is lowered holds for all that are not yet sent', async (t) => {
  const { rt, log } = await limited(t, { rates: { requestsPerMinute: 10 } });
  const calls = many(20, (prompt) => rt.llm(prompt));
  await at(rt, 100, () => rt.configure({ rates: { requestsPerMinute: 4 } }));
  await calls;
  assert.deepEqual(timesOf(log).slice(10), [...Array(4).fill(kWindow), ...Array(4).fill(2 * kWindow), ...Array(2).fill(3 * kWindow)]);
  assertAtRest(rt);
});

test('a limit that is lowered holds for those, too, that had passed it and wait for a place', async (t) => {
  const { rt, log } = await limited(t, { maxConcurrentLLMCalls: 1, rates: { requestsPerMinute: 10 } });
  const calls = many(10, (prompt) => rt.llm(prompt));
  await at(rt, 15, () => rt.configure({ rates: { requestsPerMinute: 4 } }));
  await calls;
  assert.equal(timesOf(log, ({ at }) => at <= 60_000).length, 4);
  assertAtRest(rt);
});

test('rates replace all of what was given before; what their owner changes afterwards changes nothing', async (t) => {
  const rates = { requestsPerMinute: 2, models: { m: { requestsPerMinute: 1 } } };
  const { rt, log } = await limited(t, { rates });
  rates.requestsPerMinute = 1000;
  rates.models.m.requestsPerMinute = -1;
  await Promise.all([many(3, (prompt) => rt.llm(prompt, { model: 'a' })), many(2, (prompt) => rt.llm(prompt, { model: 'm' }))]);
  assert.deepEqual(timesOf(log), [0, 0, 0, kWindow, kWindow]);
  rt.configure({ rates: { requestsPerMinute: 3 } });
  const before = log.length;
  await many(2, (prompt) => rt.llm(`again ${prompt}`, { model: 'm' }));
  assert.deepEqual(timesOf(log.slice(before)), [kWindow + 10, kWindow + 10]);
  assertAtRest(rt);
});

// --- What the server says ---

for (const protocol of protocols) {
  test(`${protocol}: a server that has less left than we know is believed`, async (t) => {
    const begun = Date.now();
    let clock = () => 0;
    const limits = { requestsPerMinute: 10, refuse: true, now: () => begun + clock() };
    const { server, rt } = await connected(t, { limits, rates: true }, { protocol, clock: 'virtual', rates: { requestsPerMinute: 10 } });
    clock = () => rt.clock.now();
    // Another client with the same key takes seven.
    const url = protocol === 'openai' ? `${server.openaiBaseURL}/chat/completions` : `${server.url}/v1/messages`;
    for (let i = 0; i < 7; i++) {
      await (await fetch(url, { method: 'POST', body: JSON.stringify({ model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'x' }] }) })).text();
    }
    await rt.llm('first');
    await many(6, (prompt) => rt.llm(prompt));
    assert.ok(server.stats().log.every(({ status }) => status !== 429));
    assert.ok(rt.clock.now() > 50_000, `the others waited: ${rt.clock.now()}`);
    await assertNothingLeft(rt, server);
  });
}

// --- Bad input ---

test('what is no limit is a ConfigError that names the key, and changes nothing', async (t) => {
  const { rt, log } = await limited(t, { rates: { requestsPerMinute: 1 } });
  const bad = {
    'rates': [5, null, 'fast', []],
    'rates.requestsPerMinute': [{ requestsPerMinute: 0 }, { requestsPerMinute: -1 }, { requestsPerMinute: 1.5 }, { requestsPerMinute: '5' }, { requestsPerMinute: NaN }, { requestsPerMinute: null }],
    'rates.tokensPerMinute': [{ tokensPerMinute: 0 }, { tokensPerMinute: 0.5 }, { tokensPerMinute: NaN }],
    'rates.maxConcurrent': [{ maxConcurrent: 0 }],
    'rates.models': [{ models: [] }, { models: 3 }, { models: null }],
    'rates.models.m': [{ models: { m: 5 } }, { models: { m: null } }],
    'rates.models.m.requestsPerMinute': [{ models: { m: { requestsPerMinute: 0 } } }],
    'rates.models.m.rpm': [{ models: { m: { rpm: 5 } } }],
    'rates.tenants.x.tokensPerMinute': [{ tenants: { x: { tokensPerMinute: -3 } } }],
    'rates.total.maxConcurrent': [{ total: { maxConcurrent: 0.5 } }],
    'rates.tokenizer': [{ tokenizer: 'cl100k' }, { tokenizer: 4 }],
    'rates.outputTokens': [{ outputTokens: -1 }, { outputTokens: 1.5 }],
    'rates.transit': [{ transit: -1 }, { transit: 60_001 }, { transit: Infinity }],
    'rates.perMinute': [{ perMinute: 3 }],
  };
  for (const [key, values] of Object.entries(bad)) {
    for (const rates of values) {
      const error = thrown(() => rt.configure({ maxConcurrentLLMCalls: 1, rates }));
      assert.ok(error instanceof heddle.ConfigError, key);
      assert.equal(error.key, key, error.message);
      assert.equal((await rejection(open(t, { rates }))).key, key);
    }
  }
  await many(3, (prompt) => rt.llm(prompt));
  assert.deepEqual(timesOf(log), [0, kWindow, 2 * kWindow]);
  assertAtRest(rt);
});

test('a tokenizer that throws or gives no count is a ConfigError of the call; nothing of the call is left', async (t) => {
  const boom = new Error('boom');
  const gives = [NaN, -1, Infinity, '5', undefined, null, 5n, {}];
  let count = () => 1;
  const { rt, log } = await limited(t, { rates: { requestsPerMinute: 100, tokenizer: (text) => count(text) } }, { script: () => ({ latencyMs: 500 }) });
  const good = count;
  const broken = [() => { throw boom; }, ...gives.map((value) => () => value)];
  for (const tokenizer of broken) {
    count = tokenizer;
    const failed = [
      await rejection(rt.llm('q', { hedge: { delay: 1 }, timeToFirstToken: 1 })),
      thrown(() => rt.llmStream('q', { hedge: { delay: 1 }, timeToFirstToken: 1 })),
      await rejection(rt.submit((ctx) => ctx.llm('q', { timeToFirstToken: 1 })).promise),
    ];
    for (const error of failed) {
      assert.ok(error instanceof heddle.ConfigError, String(error));
      assert.equal(error.key, 'rates.tokenizer');
    }
    if (tokenizer === broken[0]) assert.equal(failed[0].cause, boom);
    await rt.onIdle();
    assertAtRest(rt);
  }
  // What the broken calls asked for does not pass on to the next one.
  count = good;
  const { attempts, timings } = await rt.llm('q');
  assert.deepEqual([attempts, timings.attempts.length, log.length], [1, 1, 1]);
  assertAtRest(rt);
});

test('a tokenizer may call the runtime; both calls keep their own options', async (t) => {
  let inner;
  const tokenizer = (text) => {
    if (text === 'outer') inner = rt.llm('inner');
    return 1;
  };
  const { rt, log } = await limited(t, { rates: { requestsPerMinute: 100, tokenizer } }, { script: () => ({ latencyMs: 500 }) });
  const outer = await rt.llm('outer', { hedge: { delay: 100 }, model: ['a', 'b'] });
  const { attempts, planEntry } = await inner;
  assert.deepEqual([attempts, planEntry, outer.attempts, outer.planEntry], [1, undefined, 2, 0]);
  assert.equal(log.length, 3);
  assertAtRest(rt);
});

test('a tenant that is no name is refused at the call', async (t) => {
  const { rt } = await limited(t, {});
  for (const tenant of ['', 5, null, {}]) {
    const error = await rejection(rt.llm('q', { tenant }));
    assert.ok(error instanceof heddle.ArgumentError);
    assert.match(error.message, /options\.tenant must be a non-empty string/);
  }
  assertAtRest(rt);
});

// --- All of it at once ---

test('whatever happens, no window is overrun, nothing is lost and nothing is left', async (t) => {
  for (const seed of [1, 2, 3]) {
    const statuses = [undefined, undefined, undefined, 500, 429, 400];
    const script = (request, n) => {
      const i = Number(promptOf(request).split(' ')[1]) * 7 + n * 3 + seed;
      const status = statuses[i % statuses.length];
      return { latencyMs: (i * 37) % 900, usage: { inputTokens: 5, outputTokens: (i * 13) % 60 }, ...(status && { error: { status } }) };
    };
    const rates = { requestsPerMinute: 40, tokensPerMinute: 2500, tokenizer: () => 10, outputTokens: 60, total: { requestsPerMinute: 60 }, tenants: { '*': { requestsPerMinute: 15, maxConcurrent: 3 } } };
    const { rt, log, worst } = await limited(t, { seed, maxConcurrentTasks: 300, maxConcurrentLLMCalls: 7, retry: { baseDelay: 100 }, rates }, { script });
    const tasks = Array.from({ length: 250 }, (_, i) =>
      rt.submit(async (ctx) => {
        await ctx.delay((i * 97) % 5000);
        return asking[i % 3 === 0 ? 'llmStream' : 'llm'](ctx, `q ${i}`, { model: i % 2 === 0 ? 'a' : 'b', timeout: i % 11 === 0 ? 70_000 : 0 });
      }, { key: `tenant ${i % 8}` }));
    const canceller = rt.submit(async (ctx) => {
      for (let i = 0; i < 40; i++) {
        await ctx.delay(1 + (i * 131) % 2000);
        rt.cancel(tasks[(i * 61) % 250].id);
      }
    });
    const outcomes = await rt.awaitAllSettled([...tasks, canceller]);
    assert.equal(outcomes.length, 251);
    const codes = new Set(outcomes.map(({ status, reason }) => (status === 'fulfilled' ? 'ok' : reason.code)));
    for (const code of codes) assert.ok(['ok', 'Cancelled', 'Timeout', 'LLMError'].includes(code), code);
    assert.ok(codes.has('ok') && codes.has('Cancelled') && log.length > 200);
    assert.ok(worst().requests <= 60 && worst().requests >= 50, JSON.stringify(worst()));
    await rt.onIdle();
    await turns();
    assertAtRest(rt);
  }
});

test('tenants that come and go do not gather: gates that nothing is left of are used again', async (t) => {
  const { rt } = await limited(t, { rates: { tenants: { '*': { requestsPerMinute: 1 } } } }, { script: () => ({ latencyMs: 1 }) });
  const ask = (tenant) => rt.llm('q', { tenant });
  // More than are kept in any case, all in one minute: each has a gate of its own.
  await Promise.all(Array.from({ length: 1100 }, (_, i) => ask(`t${i}`)));
  assert.equal(rt.getStats().gates.length, 1100);
  await rt.delay(2 * kWindow);
  for (let i = 0; i < 300; i++) await ask(`new ${i}`);
  const { gates } = rt.getStats();
  assert.equal(gates.length, 1100);
  assert.ok(gates.some(({ name }) => name === 'new 299') && !gates.some(({ name }) => name === 't0'));
  // A gate that went to another tenant counts for that one, by the limits that are set now.
  const before = rt.clock.now();
  await ask('new 299');
  assert.ok(rt.clock.now() - before > kWindow / 2);
  await ask('t0');
  assertAtRest(rt);
});
