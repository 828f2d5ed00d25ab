/** What the runtime notices of a program that is probably a mistake. */

import { describe, type Task } from '../task.js';

export interface Finding {
  code: 'LOCK_NOT_RELEASED';
  message: string;
  /** Ids of the tasks concerned, where they are known. */
  tasks: string[];
}

/** A fiber ended with a mutex, which others have got meanwhile. */
export function lockNotReleased(mutex: string, task: Task | undefined): Finding {
  const who = task === undefined ? 'a fiber' : describe(task);
  return {
    code: 'LOCK_NOT_RELEASED',
    message: `${who} ended with ${mutex} locked; it was unlocked then. Unlock it in a finally block, or use mutex.run() or \`using\``,
    tasks: task === undefined ? [] : [task.id],
  };
}
