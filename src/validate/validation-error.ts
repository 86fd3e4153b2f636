/**
 * The error of a broken rule, thrown or passed to a callback.
 *
 * Its stack begins with the user's own code: the frames of this package and of node are left out at the top. Where the code
 * that broke the rule is no longer running, as after `return 'a string'`, the stack is that of its call of startResponse.
 */
import { ERRORS } from '../error-table.ts';
import type { RuleLevel, RuleParty } from './rule.ts';
import { RULES, type RuleId } from './rules.ts';

/** A finding of the validator. */
export class ValidationError extends Error {
  override readonly name = 'ValidationError';
  /** The code in the table of docs/errors.md, the same for all rules. */
  readonly code = 'WSGI_ERR_RULE_BROKEN';
  /** The status of the response, if the head has not been sent yet. */
  readonly statusCode = 500;
  /** The id of the rule, as in docs/SPEC.md. */
  readonly rule: RuleId;
  /** MUST for an error, SHOULD or MAY for a warning. */
  readonly level: RuleLevel;
  /** The party that broke it. */
  readonly party: RuleParty;
  /** The source of the rule. */
  readonly cite: string;

  /**
   * @param rule The id of the broken rule
   * @param found What was found, with the cure if it is not obvious
   * @param level The level of the rule, which the option `strict` may raise
   */
  constructor(rule: RuleId, found: string, level: RuleLevel = RULES[rule].level) {
    const { party, sentence, cite } = RULES[rule];
    const demand = `the ${party} ${level.toLowerCase()} ${sentence}`;
    super(
      ERRORS.WSGI_ERR_RULE_BROKEN.message.replace('{detail}', () => `${demand} (${found}; rule ${rule})`),
    );
    this.rule = rule;
    this.level = level;
    this.party = party;
    this.cite = cite;
  }
}

/** A place in the user's code: an error that was made there. */
export type Origin = Pick<Error, 'stack'>;

/** Frames to look at for one of the user's. */
const DEEP = 50;

/** Remembers the place of the call that is running. The text of the stack is made only if somebody asks for it. */
export function currentPlace(): Origin {
  return deeply(() => new Error('place'));
}

/** Makes something with more frames in its stacks than usual. */
export function deeply<T>(make: () => T): T {
  const { stackTraceLimit } = Error;
  // Engines other than V8 have no such property, and are left as they are.
  if (stackTraceLimit !== undefined) Error.stackTraceLimit = Math.max(stackTraceLimit, DEEP);
  try {
    return make();
  } finally {
    if (stackTraceLimit !== undefined) Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * Lets the stack of an error begin with the user's own code.
 *
 * @param error The error
 * @param origin A place in the user's code, if it is no longer running
 */
export function showUsersCode(error: Error, origin?: Origin): void {
  const frames = usersFrames(origin?.stack) ?? usersFrames(error.stack);
  if (frames !== undefined) error.stack = `${error.name}: ${error.message}\n${frames.join('\n')}`;
}

/** Gives the frames from the first one of the user's on; undefined if there is none. */
function usersFrames(stack: string | undefined): string[] | undefined {
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const first = frames.findIndex((frame) => !OWN.some((folder) => frame.includes(folder)) && !isNodes(frame));
  return first === -1 ? undefined : frames.slice(first, first + SHOWN);
}

/** Frames to show. */
const SHOWN = 10;

function isNodes(frame: string): boolean {
  return /\(?node:|^\s+at (?:async )?(?:new )?Promise\b|<anonymous>\)?$/.test(frame);
}

/** The folders of this package, as URLs and as paths: frames show either. Bundlers and some runtimes leave no URL. */
const OWN: readonly string[] = ['../', '../../bridges/'].flatMap((folder) => {
  if (!URL.canParse(folder, import.meta.url)) return [];
  const { href, pathname } = new URL(folder, import.meta.url);
  return [href, pathname];
});
