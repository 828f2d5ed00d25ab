/** What async-mutex's promises reject with: compared by identity. */

/** The time of withTimeout() is over. */
export const E_TIMEOUT = new Error('async-mutex: the time to wait for the lock is over');
/** tryAcquire() found it locked. */
export const E_ALREADY_LOCKED = new Error('async-mutex: the lock is taken');
/** cancel() ended the wait. */
export const E_CANCELED = new Error('async-mutex: the request for the lock was cancelled');
