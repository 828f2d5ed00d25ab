// What users of p-queue and p-limit write: it must compile against heddle/p-queue and heddle/p-limit, and, so that it says
// what the originals allow, against those too (originals.tsconfig.json).
import pLimit, { limitFunction, type LimitFunction, type Options as LimitOptions } from 'heddle/p-limit';
import PQueue, { PriorityQueue, TimeoutError, type Options, type Queue, type QueueAddOptions, type RunFunction, type TaskOptions } from 'heddle/p-queue';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>): void => {};

const options: Options = { concurrency: 2, autoStart: false, intervalCap: 5, interval: 1000, carryoverIntervalCount: true, strict: false, timeout: 50 };
const asGiven: Options = { concurrency: undefined, autoStart: undefined, interval: undefined, intervalCap: undefined, timeout: undefined, strict: undefined };
const fetchIt = async ({ signal }: TaskOptions): Promise<Response> => fetch('https://example.com', signal === undefined ? {} : { signal });

export async function queues(): Promise<void> {
  const queue = new PQueue(options);
  void new PQueue();
  void new PQueue(asGiven);
  const target: EventTarget = queue;
  target.dispatchEvent(new Event('x'));

  const n = await queue.add(async () => 5, { priority: 2, id: 'x', timeout: 10, signal: AbortSignal.timeout(5) });
  same<typeof n, number>(true);
  const text = await queue.add(() => 'sync');
  same<typeof text, string>(true);
  void queue.add(({ signal }) => signal?.aborted, { signal: undefined });
  const response = await queue.add(fetchIt);
  same<typeof response, Response>(true);
  const nested = await queue.add(async () => Promise.resolve(Promise.resolve(1)));
  same<typeof nested, number>(true);
  const pair = await queue.addAll([async () => 1, () => 'two']);
  same<typeof pair, [number, string]>(true);
  const many: number[] = await queue.addAll([1, 2].map((each) => async () => each), { priority: 1 });
  void many;

  const started: typeof queue = queue.start();
  started.pause();
  queue.clear();
  queue.setPriority('x', 3);
  queue.concurrency = 4;
  queue.timeout = undefined;
  const numbers: number[] = [queue.size, queue.pending, queue.concurrency, queue.sizeBy({ priority: 1 })];
  const flags: boolean[] = [queue.isPaused, queue.isRateLimited, queue.isSaturated];
  const waits: Promise<void>[] = [queue.onEmpty(), queue.onIdle(), queue.onSizeLessThan(2), queue.onPendingZero(), queue.onRateLimit(), queue.onRateLimitCleared()];
  const failed: Promise<never> = queue.onError();
  await Promise.race([...waits, failed, numbers, flags]);
  for (const { id, priority, startTime, timeout, timeoutRemaining } of queue.runningTasks) {
    same<typeof id, string>(true);
    same<typeof priority, number>(true);
    same<typeof startTime, number>(true);
    same<typeof timeout, number | undefined>(true);
    same<typeof timeoutRemaining, number | undefined>(true);
  }

  queue.addEventListener('active', (event) => same<typeof event, Event>(true));
  queue.addEventListener('completed', ({ detail }) => same<typeof detail, unknown>(true), { once: true });
  const listener = { handleEvent(event: CustomEvent<unknown>) { void event.detail; } };
  queue.addEventListener('error', listener);
  queue.removeEventListener('error', listener);
  for (const type of ['idle', 'empty', 'add', 'next', 'pendingZero', 'rateLimit', 'rateLimitCleared'] as const) queue.addEventListener(type, () => {});
  // @ts-expect-error: no such event
  queue.addEventListener('finished', () => {});
  // @ts-expect-error: no such option
  void new PQueue({ parallel: 3 });
  // @ts-expect-error: a string
  void new PQueue({ concurrency: '3' });
  // @ts-expect-error: not to be set
  queue.size = 3;

  try {
    await queue.onIdle();
  } catch (error) {
    if (error instanceof TimeoutError) same<typeof error.name, string>(true);
    const asDom: DOMException = new TimeoutError('late');
    void asDom;
  }
}

// A queue class with options of its own.
interface Tagged extends QueueAddOptions {
  readonly tag?: string;
}

class ByTag implements Queue<RunFunction, Tagged> {
  readonly #all: { run: RunFunction; options: Partial<Tagged> }[] = [];
  get size(): number {
    return this.#all.length;
  }
  enqueue(run: RunFunction, given?: Partial<Tagged>): void {
    this.#all.push({ run, options: given ?? {} });
  }
  dequeue(): RunFunction | undefined {
    return this.#all.shift()?.run;
  }
  filter({ tag }: Readonly<Partial<Tagged>>): RunFunction[] {
    return this.#all.filter((each) => each.options.tag === tag).map(({ run }) => run);
  }
  setPriority(_id: string, _priority: number): void {}
  remove(_id: string): void {}
}

export function custom(): number {
  const tagged = new PQueue<ByTag, Tagged>({ queueClass: ByTag });
  void tagged.add(() => 1, { tag: 'a', priority: 1 });
  // @ts-expect-error: not an option of this queue class
  void tagged.add(() => 1, { colour: 'a' });
  const inferred = new PQueue({ queueClass: PriorityQueue });
  inferred.sizeBy({ priority: 1 });
  const byHand = new PriorityQueue();
  byHand.enqueue(async () => 1, { priority: 3, id: 'x' });
  byHand.remove('x');
  return tagged.sizeBy({ tag: 'a' }) + byHand.size;
}

class Counting extends PQueue {
  added = 0;
  override add<T>(fn: (given: TaskOptions) => T | PromiseLike<T>, given?: Partial<QueueAddOptions>): Promise<Awaited<T>> {
    this.added++;
    return super.add(fn, given);
  }
}

export async function limits(): Promise<void> {
  await new Counting({ concurrency: 1 }).add(() => 1);
  const limit: LimitFunction = pLimit(3);
  const asObject: LimitOptions = { concurrency: 3, rejectOnClear: true };
  void pLimit(asObject);
  const sum = await limit(async (a: number, b: number) => a + b, 1, 2);
  same<typeof sum, number>(true);
  const length = await limit((text: string) => text.length, 'four');
  same<typeof length, number>(true);
  const mapped = await limit.map(new Set(['a']), async (item, index) => ({ item, index }));
  same<typeof mapped, { item: string; index: number }[]>(true);
  limit.concurrency = limit.activeCount + limit.pendingCount + 1;
  limit.clearQueue();
  const limited = limitFunction(async (a: number) => String(a), { concurrency: 1 });
  const answer = await limited(3);
  same<typeof answer, string>(true);
  limited.clearQueue();
  // @ts-expect-error: too few arguments
  await limit((a: number) => a);
  // @ts-expect-error: read only
  limit.activeCount = 3;
  // @ts-expect-error: no limit
  pLimit();
}
