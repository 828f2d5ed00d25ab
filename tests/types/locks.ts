// What users of async-mutex write: it must compile against heddle/async-mutex and, so that it says what the original allows,
// against that too (originals.tsconfig.json).
import { E_ALREADY_LOCKED, E_CANCELED, E_TIMEOUT, Mutex, Semaphore, tryAcquire, withTimeout, type MutexInterface, type SemaphoreInterface } from 'heddle/async-mutex';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>): void => {};

export async function locks(): Promise<void> {
  const mutex = new Mutex();
  void new Mutex(new Error('cancelled'));
  const release: MutexInterface.Releaser = await mutex.acquire(3);
  release();
  const n = await mutex.runExclusive(async () => 5);
  same<typeof n, number>(true);
  const text = await mutex.runExclusive(() => 'x', 2);
  same<typeof text, string>(true);
  await mutex.waitForUnlock(1);
  const locked: boolean = mutex.isLocked();
  mutex.release();
  mutex.cancel();

  const semaphore = new Semaphore(3);
  void new Semaphore(0, new Error('cancelled'));
  const [value, giveBack] = await semaphore.acquire(2, 1);
  same<typeof value, number>(true);
  const releaser: SemaphoreInterface.Releaser = giveBack;
  releaser();
  const worker: SemaphoreInterface.Worker<string> = (left) => String(left);
  const answer = await semaphore.runExclusive(worker, 1, 5);
  same<typeof answer, string>(true);
  await semaphore.waitForUnlock(2, 3);
  semaphore.setValue(semaphore.getValue() + (locked ? 1 : 2));
  semaphore.release(2);
  semaphore.cancel();

  const limited: MutexInterface = withTimeout(mutex, 100, new Error('late'));
  const eager: SemaphoreInterface = tryAcquire(semaphore);
  const both: MutexInterface = tryAcquire(withTimeout(new Mutex(), 5), E_ALREADY_LOCKED);
  await Promise.all([limited.acquire(), eager.acquire(2), both.runExclusive(() => 1)]).catch((error: unknown) => [E_TIMEOUT, E_CANCELED].includes(error as Error));
  const interfaces: [MutexInterface, SemaphoreInterface] = [mutex, semaphore];
  void interfaces;
  // @ts-expect-error: it has no value
  limited.getValue();
  // @ts-expect-error: it needs a value
  void new Semaphore();
}

export class Account implements MutexInterface {
  readonly #mutex = new Mutex();
  acquire(priority?: number): Promise<MutexInterface.Releaser> {
    return this.#mutex.acquire(priority);
  }
  runExclusive<T>(callback: MutexInterface.Worker<T>, priority?: number): Promise<T> {
    return this.#mutex.runExclusive(callback, priority);
  }
  waitForUnlock(priority?: number): Promise<void> {
    return this.#mutex.waitForUnlock(priority);
  }
  isLocked(): boolean {
    return this.#mutex.isLocked();
  }
  release(): void {
    this.#mutex.release();
  }
  cancel(): void {
    this.#mutex.cancel();
  }
}
