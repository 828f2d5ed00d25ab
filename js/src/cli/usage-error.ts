/** The command was used wrongly: exit code 2. Its message is one sentence for the user. */
export class UsageError extends Error {}
