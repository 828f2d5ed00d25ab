// What the drop-in modules have besides the originals.
import { createRuntime, type Context, type LLMResult, type Runtime } from 'heddle';
import { Mutex, Semaphore, type LockOptions } from 'heddle/async-mutex';
import pLimit, { limitFunction } from 'heddle/p-limit';
import PQueue, { type JobOptions, type RuntimeOption } from 'heddle/p-queue';

export async function own(runtime: Runtime): Promise<LLMResult> {
  const later: RuntimeOption = createRuntime();
  void pLimit({ concurrency: 1, runtime: later });
  void limitFunction(async () => 1, { concurrency: 1, runtime: undefined });
  // @ts-expect-error: no runtime
  void new PQueue({ runtime: 5 });
  const options: LockOptions = { runtime: later };
  void [new Mutex(undefined, options), new Semaphore(2, undefined, { runtime })];
  const queue = new PQueue({ runtime, concurrency: 3 });
  const job = async ({ ctx, signal }: JobOptions): Promise<LLMResult> => ctx.llm('x', { signal });
  const context: Context = await queue.add(({ ctx }) => ctx);
  void context;
  return queue.add(job);
}
