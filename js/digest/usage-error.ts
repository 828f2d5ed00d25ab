/** The command was given something that it cannot use: its message is one sentence for the user, the exit code is 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}
