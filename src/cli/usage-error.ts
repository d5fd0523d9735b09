/** An invalid command line: the message is printed with a hint at --help, and the exit status is 2. */
export class UsageError extends Error {}
