/** Entry `gatebridge/validate`: the validator, and its rules as data. */
export type { Rule, RuleLevel, RuleParty } from './rule.ts';
export { RULES, type RuleId } from './rules.ts';
export { validate } from './validate.ts';
export type { ValidateOptions } from './validate-options.ts';
export { ValidationError } from './validation-error.ts';
