/** All rules of the validator. `npm run docs` makes docs/SPEC.md of them. */
import { BODY_RULES } from './body-rules.ts';
import { ENVIRON_RULES } from './environ-rules.ts';
import { START_RESPONSE_RULES } from './start-response-rules.ts';
import { STREAM_RULES } from './stream-rules.ts';
import { UPGRADE_RULES } from './upgrade-rules.ts';

/** The id of a rule: group, line in the checklist of the gateway semantics, slug. It never changes. */
export type RuleId =
  | keyof typeof ENVIRON_RULES
  | keyof typeof START_RESPONSE_RULES
  | keyof typeof BODY_RULES
  | keyof typeof STREAM_RULES
  | keyof typeof UPGRADE_RULES;

/** The rules by id. */
export const RULES: typeof ENVIRON_RULES &
  typeof START_RESPONSE_RULES &
  typeof BODY_RULES &
  typeof STREAM_RULES &
  typeof UPGRADE_RULES = {
  ...ENVIRON_RULES,
  ...START_RESPONSE_RULES,
  ...BODY_RULES,
  ...STREAM_RULES,
  ...UPGRADE_RULES,
};

/** Tells if a string is the id of a rule. */
export function isRuleId(id: string): id is RuleId {
  return Object.hasOwn(RULES, id);
}
