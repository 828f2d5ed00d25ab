// Cancellation tokens: free-standing ones, those of tasks, and AbortSignals both ways without a listener left behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import heddle, { open } from '../support/heddle.mjs';
import { SignalCounter, forever, hasCode, rejection, thrown, turns, until } from '../support/tasks.mjs';

/** A token of each kind, and how to cancel it. */
const kinds = {
  'a free token': async (rt) => rt.createCancellationToken(),
  'the token of a task': async (rt) => {
    const task = rt.submit(forever);
    await until('it runs', () => task.state === 'running');
    return task.cancellationToken;
  },
};

for (const [kind, make] of Object.entries(kinds)) {
  test(`${kind}: cancelled once, the first reason wins`, async (t) => {
    const rt = await open(t);
    const token = await make(rt);
    assert.equal(token.isCancelled, false);
    assert.equal(token.reason, undefined);
    token.throwIfCancelled();
    token.cancel('first');
    token.cancel('second');
    assert.equal(token.isCancelled, true);
    assert.equal(token.reason, 'first');
    const error = hasCode(
      thrown(() => token.throwIfCancelled()),
      'Cancelled',
    );
    assert.ok(error instanceof heddle.CancellationError);
    assert.equal(error.reason, 'first');
  });

  test(`${kind}: a reason may be left out`, async (t) => {
    const rt = await open(t);
    const token = await make(rt);
    token.cancel();
    assert.equal(token.isCancelled, true);
    assert.equal(token.reason, undefined);
  });

  test(`${kind}: callbacks fire once, in order, in the turn of the cancel; late ones at once`, async (t) => {
    const rt = await open(t);
    const token = await make(rt);
    const fired = [];
    token.onCancel(() => fired.push(1));
    token.onCancel(() => fired.push(2));
    token.cancel('x');
    token.cancel('y');
    assert.deepEqual(fired, [1, 2]);
    token.onCancel(() => fired.push(3));
    assert.deepEqual(fired, [1, 2, 3]);
  });

  test(`${kind}: a disposer takes a callback out, by call or by using`, async (t) => {
    const rt = await open(t);
    const token = await make(rt);
    const fired = [];
    const dispose = token.onCancel(() => fired.push('disposed'));
    dispose();
    dispose();
    const other = token.onCancel(() => fired.push('disposed'));
    other[Symbol.dispose]();
    const same = () => fired.push('same');
    token.onCancel(same)();
    token.onCancel(same);
    token.cancel();
    assert.deepEqual(fired, ['same']);
    token.onCancel(() => {})();
  });

  test(`${kind}: one that throws does not stop the others`, async (t) => {
    const rt = await open(t);
    const token = await make(rt);
    const fired = [];
    // The runner would take its error, which surfaces like an uncaught one, for its own: it is caught where it is thrown.
    const surfaced = [];
    const mock = t.mock.method(globalThis, 'queueMicrotask', (fn) => {
      try {
        fn();
      } catch (error) {
        surfaced.push(error.message);
      }
    });
    token.onCancel(() => {
      throw new Error('careless');
    });
    token.onCancel(() => fired.push('second'));
    token.cancel();
    mock.mock.restore();
    assert.deepEqual(fired, ['second']);
    assert.deepEqual(surfaced, ['careless']);
  });

  test(`${kind}: a callback may cancel, add and dispose`, async (t) => {
    const rt = await open(t);
    const token = await make(rt);
    const fired = [];
    token.onCancel(() => {
      fired.push(1);
      token.cancel('again');
      token.onCancel(() => fired.push(2));
    });
    token.cancel('once');
    assert.deepEqual(fired, [1, 2]);
    assert.equal(token.reason, 'once');
  });

  test(`${kind}: its signal aborts with the error, asked for before or after`, async (t) => {
    const rt = await open(t);
    const [before, after] = [await make(rt), await make(rt)];
    const { signal } = before;
    assert.ok(signal instanceof AbortSignal);
    assert.equal(before.signal, signal);
    before.cancel('why');
    after.cancel('why');
    for (const token of [before, after]) {
      assert.equal(token.signal.aborted, true);
      assert.equal(
        token.signal.reason,
        thrown(() => token.throwIfCancelled()),
      );
    }
  });

  test(`${kind}: a callback must be a function`, async (t) => {
    const rt = await open(t);
    const token = await make(rt);
    for (const callback of [undefined, null, 5, {}]) {
      hasCode(
        thrown(() => token.onCancel(callback)),
        'ArgumentError',
      );
    }
  });
}

test('cancelling the token of a task cancels the task and its children', async (t) => {
  const rt = await open(t);
  let child;
  const task = rt.submit(async (ctx) => {
    child = ctx.submit(forever);
    await ctx.await(child);
  });
  await until('it waits', () => task.state === 'suspended');
  task.cancellationToken.cancel('by token');
  assert.equal(task.state, 'cancelled');
  assert.equal(child.error.reason, 'by token');
  assert.equal(child.cancellationToken.reason, 'by token');
});

test('the token of a task that completed can be cancelled to no effect', async (t) => {
  const rt = await open(t);
  const task = rt.submit(() => 1);
  await task.promise;
  task.cancellationToken.cancel('late');
  assert.equal(task.cancellationToken.isCancelled, false);
  assert.equal(task.state, 'completed');
});

test('a failed task is not cancelled, one that timed out is', async (t) => {
  const rt = await open(t, { clock: 'virtual' });
  const failed = rt.submit(() => {
    throw new Error('x');
  });
  await rejection(failed.promise);
  assert.equal(failed.cancellationToken.isCancelled, false);
  const late = rt.submit(forever, { timeout: 5 });
  let fired = false;
  late.cancellationToken.onCancel(() => (fired = true));
  await rejection(late.promise);
  assert.equal(late.cancellationToken.isCancelled, true);
  assert.equal(fired, true);
});

test('a token made of a signal is cancelled with it, and reads its reason', async (t) => {
  const rt = await open(t);
  for (const [reason, text] of [
    ['text', 'text'],
    [new Error('message'), 'message'],
    [undefined, 'This operation was aborted'],
    [42, '42'],
  ]) {
    const controller = new AbortController();
    const token = rt.createCancellationToken(controller.signal);
    let fired = 0;
    token.onCancel(() => fired++);
    controller.abort(reason);
    assert.equal(fired, 1);
    assert.equal(token.isCancelled, true);
    assert.equal(token.reason, text);
    assert.equal(thrown(() => token.throwIfCancelled()).cause, controller.signal.reason);
  }
});

test('a token made of an aborted signal is cancelled from the start', async (t) => {
  const rt = await open(t);
  const token = rt.createCancellationToken(AbortSignal.abort('before'));
  assert.equal(token.isCancelled, true);
  assert.equal(token.reason, 'before');
  let fired = false;
  token.onCancel(() => (fired = true));
  assert.equal(fired, true);
  assert.equal(token.signal.aborted, true);
});

test('a token that is cancelled by itself leaves its signal alone', async (t) => {
  const rt = await open(t);
  const controller = new AbortController();
  const token = rt.createCancellationToken(controller.signal);
  token.cancel('mine');
  assert.equal(controller.signal.aborted, false);
  controller.abort('later');
  assert.equal(token.reason, 'mine');
});

test('round the circle: signal, token, signal, token', async (t) => {
  const rt = await open(t);
  const controller = new AbortController();
  const first = rt.createCancellationToken(controller.signal);
  const second = rt.createCancellationToken(first.signal);
  controller.abort('through');
  assert.equal(second.isCancelled, true);
  assert.equal(second.reason, 'through');
});

test('a token listens to its signal only while somebody listens to it', async (t) => {
  const rt = await open(t);
  const counter = new SignalCounter();
  const { signal, abort } = counter.signal();
  const token = rt.createCancellationToken(signal);
  assert.equal(counter.listeners, 0);
  assert.equal(token.isCancelled, false);
  assert.equal(counter.listeners, 0);
  const disposers = [token.onCancel(() => {}), token.onCancel(() => {})];
  assert.equal(counter.listeners, 1);
  disposers[0]();
  assert.equal(counter.listeners, 1);
  disposers[1]();
  assert.equal(counter.listeners, 0);
  token.onCancel(() => {});
  assert.equal(counter.listeners, 1);
  token.cancel('by itself');
  assert.equal(counter.listeners, 0);
  abort();

  const driven = counter.signal();
  const other = rt.createCancellationToken(driven.signal);
  other.onCancel(() => {});
  void other.signal;
  assert.equal(counter.listeners, 1);
  driven.abort();
  assert.equal(counter.listeners, 0);
});

test('only an AbortSignal makes a token', async (t) => {
  const rt = await open(t);
  for (const bad of [null, 5, 'x', {}, new AbortController(), new EventTarget()]) {
    hasCode(
      thrown(() => rt.createCancellationToken(bad)),
      'ArgumentError',
    );
  }
});

test('a free token drives tasks by its signal', async (t) => {
  const rt = await open(t);
  const token = rt.createCancellationToken();
  const tasks = [rt.submit(forever, { signal: token.signal }), rt.submit(forever, { signal: token.signal })];
  await until('they run', () => tasks[1].state === 'running');
  token.cancel('both');
  for (const task of tasks) assert.equal(hasCode(task.error, 'Cancelled').reason, 'both');
  await turns();
});
