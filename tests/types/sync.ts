// The synchronization objects as a user sees them; it must compile as it stands.
import { closed, type Barrier, type Channel, type Finding, type IVar, type Lock, type Mutex, type Permits, type Runtime, type Semaphore } from 'heddle';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>): void => {};

export async function sync(rt: Runtime): Promise<void> {
  const mutex: Mutex = rt.mutex({ name: 'db' });
  const semaphore: Semaphore = rt.semaphore(3);
  const ivar: IVar<string> = rt.ivar<string>();
  const channel: Channel<number> = rt.channel<number>(5, { name: 'jobs' });
  const barrier: Barrier = rt.barrier(2, { name: 'round' });

  const task = rt.submit(function* (ctx) {
    const lock = (yield mutex.lock(ctx)) as Lock;
    lock.unlock();
    yield barrier.wait({ ctx, timeout: 5 });
    return 1;
  });
  same<Awaited<typeof task.promise>, number>(true);

  {
    using lock = await mutex.lock();
    using permits = await semaphore.acquire(2, { signal: AbortSignal.timeout(5) });
    const both: [Lock, Permits] = [lock, permits];
    void both;
  }
  const tried: boolean = await mutex.tryLock(50, { timeout: 5 });
  const ran: number = await mutex.run(async () => 5);
  const limited: string = await semaphore.run(() => 'x', { permits: 2 });
  const permits: Permits | undefined = semaphore.tryAcquire();
  void [tried, ran, limited, permits];

  ivar.put('value');
  const value: string = await ivar.take();
  const taken: { value: string } | undefined = ivar.tryTake();
  void [value, taken];

  await channel.send(1);
  const received = await channel.recv();
  same<typeof received, number | typeof closed>(true);
  if (received !== closed) received.toFixed();
  const now: { value: number } | typeof closed | undefined = channel.tryRecv();
  void now;
  for await (const each of channel) same<typeof each, number>(true);
  for await (const each of channel.values({ timeout: 5 })) same<typeof each, number>(true);

  const selected = await rt.select([{ recv: channel }, { send: channel, value: 1 }, { take: ivar }, { lock: mutex }, { acquire: semaphore, permits: 2 }, { timeout: 5 }]);
  same<typeof selected.value, number | typeof closed | undefined | string | Lock | Permits>(true);

  const wrapped = rt.serializer().wrap(async (a: number, b: string) => a + b.length);
  same<typeof wrapped, (a: number, b: string) => Promise<number>>(true);

  const stop = rt.on('finding', (finding: Finding) => finding.message.length + finding.tasks.length);
  stop();
  const counts: number = rt.getStats().objects.mutexes;
  void counts;
}
