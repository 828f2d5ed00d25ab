/** What Runtime.getStats() gives. Partner: wasm/bindings.cpp, which writes all of it but `forgottenTasks`. */

/** Counts; times in milliseconds. */
export interface RuntimeStats {
  pendingTasks: number;
  runningTasks: number;
  suspendedTasks: number;
  /** Settled tasks, forgotten ones included. */
  completedTasks: number;
  cancelledTasks: number;
  erroredTasks: number;
  /** Bodies that ignored their cancel past their grace and still run. */
  zombieTasks: number;
  /** Cancelled tasks whose bodies have not ended yet. */
  unwindingTasks: number;
  /** Settled tasks that are not listed any more. */
  forgottenTasks: number;
  /** Slots held, of maxConcurrentTasks. */
  slots: number;
  concurrentLLMCalls: number;
  waitingLLMCalls: number;
  backoffLLMCalls: number;
  /** Requests to models, retries included. */
  llmCalls: number;
  llmRetries: number;
  oldestPendingMs: number;
  oldestWaitingLLMCallMs: number;
  timers: number;
  /** Records that the core holds for what is not over: fibers, operations, connections and the like. */
  records: number;
  events: number;
  steps: number;
  /** Hash of every command so far: two runs that are the same have the same. */
  commandHash: string;
}
