/** Ends a process with all that it has started: the process group that it leads. */
import { setTimeout as delay } from 'node:timers/promises';
import { guard, release } from './guardian.ts';

/** Milliseconds between two looks at a group that is ending. */
const POLL = 20;

const HAS_GROUPS = process.platform !== 'win32';

/** The process group of a child that was started with `detached`. */
export class ProcessGroup {
  readonly #leader: number;
  readonly #patience: number;
  #ending: Promise<void> | undefined;
  /** Nobody is left: the number may be given to others. */
  #isGone = false;

  /**
   * @param leader The process id of the child
   * @param patience Milliseconds between SIGTERM and SIGKILL
   */
  constructor(leader: number, patience: number) {
    this.#leader = leader;
    this.#patience = patience;
    guard(leader);
  }

  /** The group is being ended. */
  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Called when the leader has ended. What it has started may go on. */
  noteLeaderEnded(): void {
    this.#isGone ||= !this.#signal(0);
  }

  /** Sends SIGTERM, and later SIGKILL to what is still there. Settles once nothing is left, and never rejects. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** Leaves what is left of the group alone. */
  release(): void {
    if (!this.isEnding) release(this.#leader);
  }

  async #end(): Promise<void> {
    this.#isGone ||= !this.#signal('SIGTERM');
    // As long as a member is left, no other group can get this number.
    for (let waited = 0; waited < this.#patience && !this.#isGone; waited += POLL) {
      await delay(Math.min(POLL, this.#patience - waited));
      this.#isGone ||= !this.#signal(0);
    }
    if (!this.#isGone) this.#signal('SIGKILL');
    release(this.#leader);
  }

  #signal(signal: NodeJS.Signals | 0): boolean {
    try {
      return process.kill(HAS_GROUPS ? -this.#leader : this.#leader, signal);
    } catch {
      // ESRCH: nobody is left. EPERM: what is left belongs to somebody else.
      return false;
    }
  }
}
