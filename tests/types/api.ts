// A program that uses the public surface as its documentation says; it must compile as it stands.
import {
  anthropic,
  ArgumentError,
  CancellationError,
  ClosedError,
  ConfigError,
  createRuntime,
  custom,
  HeddleError,
  LLMError,
  openai,
  QueueFullError,
  quorum,
  RetryAfterTooLong,
  Runtime,
  simulated,
  Task,
  TimeoutError,
  type Body,
  type CancellationToken,
  type Context,
  type Explanation,
  type FetchResult,
  type LLMResult,
  type RuntimeConfig,
  type RuntimeStats,
  type SchedulerConfig,
  type TaskOptions,
  type TaskState,
} from 'heddle';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>): void => {};

const config: RuntimeConfig = {
  provider: simulated({ seed: 1, latency: { min: 1, max: 2 }, failures: 0.1 }),
  maxConcurrentTasks: 64,
  maxConcurrentLLMCalls: Infinity,
  taskTimeout: 0,
  fairnessMode: 'round-robin',
  dispatch: { policy: 'random', seed: 5, quantum: 100 },
  seed: 3,
  clock: 'virtual',
  agingMs: 10,
  graceMs: 5000,
  maxZombies: 3,
  maxQueued: 1000,
  retainSettled: 1000,
  sliceMs: 8,
  asyncContext: true,
  variant: 'auto',
  retry: { maxAttempts: 4, baseDelay: 500, maxDelay: 30_000, maxRetryAfter: 60_000, budget: 100 },
};

export async function program(): Promise<void> {
  // Closes at the end of the block.
  await using rt = await createRuntime(config);
  same<typeof rt, Runtime>(true);

  // --- Bodies of every kind, with the type of their result ---
  const plain = rt.submit(() => 1);
  same<typeof plain, Task<number>>(true);
  const asynchronous = rt.submit(async (ctx) => {
    await ctx.delay(5);
    return 'text';
  });
  same<typeof asynchronous, Task<string>>(true);
  const generator = rt.submit(function* (ctx) {
    yield ctx.delay(5);
    return { field: true };
  });
  same<typeof generator, Task<{ field: boolean }>>(true);
  const nothing = rt.submit(() => {});
  same<typeof nothing, Task<void>>(true);
  const body: Body<number> = async () => 5;
  const options: TaskOptions = {
    name: 'n',
    priority: 1,
    timeout: 5,
    queueTimeout: 5,
    deadline: new Date(),
    key: 'tenant',
    signal: new AbortController().signal,
    parent: plain,
    graceMs: 5,
    detached: false,
  };
  rt.submit(body, options);
  rt.submit(body, { ...options, name: undefined, deadline: Date.now() });

  // --- Tasks ---
  const state: TaskState = plain.state;
  const fields: [
    string,
    number,
    number,
    number | undefined,
    number | undefined,
    string | undefined,
    string | undefined,
  ] = [plain.id, plain.priority, plain.createdAt, plain.startedAt, plain.completedAt, plain.name, plain.parentId];
  same<typeof plain.result, number | undefined>(true);
  same<typeof plain.error, Error | undefined>(true);
  same<typeof plain.promise, Promise<number>>(true);
  const token: CancellationToken = plain.cancellationToken;
  {
    using stop = token.onCancel(() => {});
    stop();
  }
  const tasks: Task[] = rt.getAllTasks().concat(rt.getTasksByState('running'));
  same<ReturnType<typeof rt.getTask>, Task | undefined>(true);

  // --- Awaiting keeps the types, one by one in tuples ---
  same<Awaited<ReturnType<typeof rt.await<number>>>, number>(true);
  const [a, b] = await rt.awaitAll([plain, asynchronous] as const);
  same<typeof a, number>(true);
  same<typeof b, string>(true);
  const rows = await rt.awaitAllSettled([plain, asynchronous] as const);
  same<(typeof rows)[0], PromiseSettledResult<number>>(true);
  const winner = await rt.awaitAny([plain, rt.submit(() => 2)], { losers: 'cancel', timeout: 5 });
  same<typeof winner, Task<number>>(true);
  const settled = await rt.race(tasks, { losers: 'keep' });
  same<typeof settled, Task<unknown>>(true);

  // --- A fetch for any client ---
  const governed: typeof globalThis.fetch = rt.fetch;
  const shared: typeof globalThis.fetch = rt.fetchWith({
    dedupe: true,
    timeout: 5,
    signal: AbortSignal.timeout(5),
    llm: (url, init) => (init?.method === 'POST' ? url.endsWith('/mine') : undefined),
    onResult: ({ usage, attempts, error }: FetchResult) => void [usage.inputTokens, attempts, error],
  });
  const status: number = (await (governed === shared ? governed : shared)('http://a.example')).status;

  // --- Cancelling ---
  const cancelled: boolean = rt.cancel(plain.id, 'why');
  rt.cancelAll('why');
  const free: CancellationToken = rt.createCancellationToken(AbortSignal.timeout(5));
  const signal: AbortSignal = free.signal;
  free.cancel();
  free.throwIfCancelled();
  rt.checkCancellation();

  // --- The context has every operation, bound to its task ---
  rt.submit(async (ctx: Context) => {
    const child = ctx.submit(() => 1);
    const value: number = await ctx.await(child, { timeout: 5, signal: ctx.signal });
    const both: [number, number] = await ctx.awaitAll([child, child]);
    await ctx.yield();
    const answer: LLMResult = await ctx.llm('question', {
      model: 'm',
      maxTokens: 5,
      temperature: 0,
      sample: 1,
      timeout: 5,
      signal,
    });
    const usage: 'exact' | 'estimated' | 'unknown' = answer.usage.source;
    for await (const chunk of ctx.llmStream([{ role: 'user', content: 'x' }])) chunk.text?.length;
    const effect: string = await ctx.call('name', async ({ signal: own }) => String(own.aborted));
    const scoped: string = await ctx.scope(async (s) => {
      s.submit(() => 1);
      return 'result';
    });
    const saved: number = await ctx.shield((safe) => safe.await(child), { timeout: 5 });
    for await (const item of ctx.mapConcurrent(['a', 'b'], (text, index) => text.length + index, {
      concurrency: 2,
      ordered: false,
    }))
      item.toFixed();
    ctx.checkCancellation();
    const facts: [number, number, string, Runtime, Task] = [ctx.now(), ctx.random(), ctx.uuid(), ctx.runtime, ctx.task];
    return [value, both, usage, effect, scoped, saved, facts];
  });

  // --- Scopes: without a joiner the function's result, with one what the caller says ---
  const result: number = await rt.scope(() => 5);
  const votes = await rt.scope<string[]>((s) => void s.submit(() => 'yes'), {
    joiner: quorum(2),
    timeout: 5,
    name: 'vote',
  });
  same<typeof votes, string[]>(true);

  // --- mapConcurrent over both kinds of iterables ---
  async function* source(): AsyncGenerator<number> {
    yield 1;
  }
  for await (const text of rt.mapConcurrent(source(), async (n, _i, ctx) => (await ctx.yield(), String(n))))
    text.toUpperCase();

  // --- Watching ---
  const live: SchedulerConfig = { maxConcurrentTasks: 3, retry: { maxAttempts: 2 } };
  rt.configure(live);
  const stats: RuntimeStats = rt.getStats();
  const why: Explanation[] = rt.explain(plain.id);
  const reason: 'slot' | 'delay' | string = why[0]!.reason;
  await Promise.all([rt.onIdle(), rt.onEmpty(), rt.onSizeLessThan(5), rt.delay(5), rt.yield()]);
  using listening = rt.on('zombie', (task) => task.id);
  await rt.clock.advance(5);
  const variant: 'asyncify' | 'jspi' = rt.variant;

  // --- Errors ---
  try {
    await rt.await(plain);
  } catch (error) {
    if (error instanceof CancellationError) same<typeof error.reason, string | undefined>(true);
    if (error instanceof TimeoutError) [error.limit, error.scope, error.ms];
    if (error instanceof ConfigError) error.key.length;
    if (error instanceof ArgumentError) error.operation.length;
    if (error instanceof QueueFullError) error.limit.toFixed();
    if (error instanceof LLMError) [error.status, error.kind, error.attempts, error.requestId];
    if (error instanceof RetryAfterTooLong) error.retryAfter.toFixed();
    if (error instanceof ClosedError || error instanceof HeddleError) error.code.length;
  }
  [state, fields, status, cancelled, result, stats, reason, listening, variant];
}

// --- Providers ---
export const providers = [
  openai({ baseURL: 'http://127.0.0.1/v1', apiKey: 'k', model: 'm' }),
  anthropic({ baseURL: 'http://127.0.0.1', apiKey: 'k', model: 'm' }),
  custom(async ({ messages }, { signal }) => `${messages.length} ${String(signal.aborted)}`),
  simulated(),
];

// --- The interface of the mission, which a Runtime is ---
interface ConcurrencyManager {
  submit<T>(body: () => Promise<T>, options?: { name?: string; priority?: number; timeout?: number }): Task<T>;
  getTask(id: string): Task | undefined;
  getAllTasks(): Task[];
  getTasksByState(state: TaskState): Task[];
  await<T>(task: Task<T>): Promise<T>;
  awaitAll(tasks: Task[]): Promise<unknown[]>;
  awaitAny(tasks: Task[]): Promise<Task>;
  cancel(taskId: string, reason?: string): boolean;
  cancelAll(reason?: string): void;
  createCancellationToken(): {
    readonly isCancelled: boolean;
    readonly reason?: string | undefined;
    cancel(reason?: string): void;
    throwIfCancelled(): void;
    onCancel(callback: () => void): void;
  };
  checkCancellation(): void;
  configure(
    config: Partial<{
      maxConcurrentTasks: number;
      maxConcurrentLLMCalls: number;
      taskTimeout: number;
      fairnessMode: 'fifo' | 'priority' | 'round-robin';
    }>,
  ): void;
  getStats(): {
    pendingTasks: number;
    runningTasks: number;
    completedTasks: number;
    cancelledTasks: number;
    concurrentLLMCalls: number;
  };
  delay(ms: number): Promise<void>;
  yield(): Promise<void>;
}
export const asManager = (rt: Runtime): ConcurrencyManager => rt;
