// What must not compile: each line that does is an error of the declarations.
import { createRuntime, quorum, type Runtime } from 'heddle';

export async function refused(rt: Runtime): Promise<void> {
  // @ts-expect-error A body is a function.
  rt.submit(5);
  // @ts-expect-error The priority is a number.
  rt.submit(() => 1, { priority: 'high' });
  // @ts-expect-error There is no such option.
  rt.submit(() => 1, { retries: 3 });
  // @ts-expect-error A parent is a task, not an id.
  rt.submit(() => 1, { parent: 't1' });
  // @ts-expect-error The signal is an AbortSignal, not its controller.
  rt.submit(() => 1, { signal: new AbortController() });

  const task = rt.submit(() => 1);
  // @ts-expect-error The result is a number.
  const text: string = await rt.await(task);
  // @ts-expect-error A task is awaited, not its id.
  await rt.await(task.id);
  // @ts-expect-error Several tasks make a list.
  await rt.awaitAll(task);
  // @ts-expect-error Losers are kept or cancelled.
  await rt.awaitAny([task], { losers: 'kill' });
  // @ts-expect-error A task's fields are read only.
  task.state = 'completed';
  // @ts-expect-error There is no such state.
  rt.getTasksByState('done');

  // @ts-expect-error There is no such key.
  rt.configure({ maxTasks: 5 });
  // @ts-expect-error The clock cannot change while the runtime runs.
  rt.configure({ clock: 'virtual' });
  // @ts-expect-error There is no such mode.
  rt.configure({ fairnessMode: 'random' });
  // @ts-expect-error There is no such clock.
  await createRuntime({ clock: 'wall' });
  // @ts-expect-error A provider is an object.
  await createRuntime({ provider: 'openai' });

  rt.submit(async (ctx) => {
    // @ts-expect-error The time of a shield is mandatory.
    await ctx.shield(async () => {});
    // @ts-expect-error A call has a name.
    await ctx.call(() => 1);
    // @ts-expect-error A prompt is a string or messages.
    await ctx.llm(5);
    // @ts-expect-error There is no such option.
    await ctx.llm('x', { retries: 3 });
  });

  // @ts-expect-error There is no such joiner.
  await rt.scope(() => 1, { joiner: 'most' });
  await rt.scope(() => 1, { joiner: quorum(2) });
  // @ts-expect-error It maps what can be iterated.
  rt.mapConcurrent(5, (x: number) => x);
  const jobs = rt.channel<number>(1);
  // @ts-expect-error The channel is of numbers.
  await jobs.send('job');
  // @ts-expect-error What is received may be `closed`.
  const job: number = await jobs.recv();
  // @ts-expect-error A case sends what its channel takes.
  await rt.select([{ send: jobs, value: 'job' }]);
  // @ts-expect-error There is no such case.
  await rt.select([{ wait: jobs }]);
  const doubler = rt.actor((n: number) => Promise.resolve(n * 2));
  // @ts-expect-error The actor takes numbers.
  await doubler.send('one');
  // @ts-expect-error Its answers are numbers.
  const answer: string = await doubler.ask(1);
  // @ts-expect-error There is no such overflow.
  rt.actor(() => 1, { overflow: 'never' });
  rt.supervisor({ children: [{ id: 'a', start: () => doubler }, { id: 'b', start: async (ctx) => ctx.submit(() => 1) }] });
  // @ts-expect-error A child starts what can be supervised.
  rt.supervisor({ children: [{ id: 'a', start: () => 5 }] });
  // @ts-expect-error A semaphore has a number of permits.
  rt.semaphore();
  // @ts-expect-error A mutex is locked by the runtime's own object.
  await rt.select([{ lock: {} }]);
  // @ts-expect-error There is no such event.
  rt.on('finished', () => {});
  // @ts-expect-error What is internal is not declared to users.
  rt._submit;

  [text];
}
