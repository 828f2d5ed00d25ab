/**
 * A message that wants an answer. Its asker waits at a ticket, an ivar of the kernel's that nobody writes: the answer lies here,
 * and the ticket's release wakes who waits for it. So an answer that comes late, or not at all, leaves nothing behind.
 *
 * Invariant: every ask ends once, with its answer or with why there is none, and then its ticket is gone.
 */

import { MailboxFull } from '../errors.js';
import type { Meaning } from '../operations.js';
import { Parcel } from '../sync/values.js';
import type { Process } from './process.js';

export class Ask extends Parcel implements Meaning {
  readonly name = 'actor.ask';
  readonly timeout: number;
  readonly message: unknown;
  readonly #process: Process;
  readonly #ticket: number;
  #answer: unknown = undefined;
  #state: 'open' | 'answered' | 'refused' = 'open';

  constructor(process: Process, message: unknown, timeout: number) {
    super();
    this.#process = process;
    this.message = message;
    this.timeout = timeout;
    this.#ticket = process._host.objects.openTicket(`an answer of ${process._label}`);
  }

  get ticket(): number {
    return this.#ticket;
  }

  get isOver(): boolean {
    return this.#state !== 'open';
  }

  /** What the ticket's release means to who waits at it. */
  get failureIsValue(): boolean {
    return this.#state === 'answered';
  }
  failure(): unknown {
    return this.#answer;
  }
  // Nobody writes the ticket.
  value(): undefined {
    return undefined;
  }

  answer(value: unknown): void {
    this.#end('answered', value);
  }

  refuse(error: unknown): void {
    this.#end('refused', error);
  }

  /** Nobody will read it: the mailbox was full, or its actor is over. */
  override dropped(): void {
    const process = this.#process;
    this.refuse(process._isOver ? process._stopped(this.name) : new MailboxFull(this.name, `the message was dropped: the mailbox of ${process._label} was full`));
  }

  #end(state: 'answered' | 'refused', answer: unknown): void {
    if (this.isOver) return;
    this.#state = state;
    this.#answer = answer;
    this.#process._host.objects.closeTicket(this.#ticket);
  }
}
