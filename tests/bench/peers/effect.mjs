// One vocabulary over effect 3 (installed as `effect-3`) and effect 4 (`effect`): only what the cases use,
// and only where the two spell it differently.

const packages = { effect3: 'effect-3', effect4: 'effect' };

/** Loads a version, 'effect3' or 'effect4'. */
export async function loadEffect(version) {
  const library = await import(packages[version]);
  const { Effect, Fiber } = library;
  const four = version === 'effect4';
  return {
    Effect,
    Fiber,
    yieldNow: four ? Effect.yieldNow : Effect.yieldNow(),
    fork: four ? Effect.forkChild : Effect.fork,
    forkDetached: four ? Effect.forkDetach : Effect.forkDaemon,
    semaphore: four ? library.Semaphore.makeUnsafe : Effect.unsafeMakeSemaphore,
    // The scheduler that goes on in microtasks and never lets the event loop turn; effect 4 only.
    microtasks: (program) =>
      Effect.provideService(program, library.Scheduler.Scheduler, new library.Scheduler.MixedScheduler('sync')),
  };
}
