/** The shape of a rule of the validator. The rules themselves are in the files *-rules.ts, by topic. */

/** RFC 2119: a broken MUST is an error, anything else a warning. */
export type RuleLevel = 'MUST' | 'SHOULD' | 'MAY';

/**
 * The party that obeys a rule. The server is everything outside of the validator, middleware included; the application is
 * everything inside.
 */
export type RuleParty = 'server' | 'application';

/** One rule. */
export interface Rule {
  readonly level: RuleLevel;
  readonly party: RuleParty;
  /** The demand on the party: the sentence after «The application must». */
  readonly sentence: string;
  /** The source of the rule. */
  readonly cite: string;
}
