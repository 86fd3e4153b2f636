/** The options of `validate`. */
import { checkOptions } from '../gateway/check-options.ts';
import type { OptionsOf } from '../gateway/option-table.ts';
import { isRuleId, type RuleId } from './rules.ts';
import type { ValidationError } from './validation-error.ts';

/** The options of `validate`. */
export const VALIDATE_OPTIONS = {
  /** A broken MUST throws where it is broken (`'throw'`), or is only reported, and the response goes on (`'report'`). */
  mode: { type: ['throw', 'report'], default: 'throw' },
  /** A string as a chunk is an error, and no warning. */
  strict: { type: 'boolean', default: false },
  /** Ids of rules that are not checked, as in [the specification](SPEC.md). */
  ignore: { type: 'names' },
  /** Called with the `ValidationError` of each broken SHOULD and MAY, once a response for each rule. Without it a line is written to `wsgi.errors`. */
  onWarning: { type: 'function' },
  /** Called with the `ValidationError` of each broken MUST, before it is thrown. Without it a MUST that cannot be thrown, because the response is over or `mode` is `'report'`, is written to `wsgi.errors`. */
  onError: { type: 'function' },
  /** The memory of a chunk is overwritten once the next chunk is asked for, as an application may do: servers and middleware that still refer to it then send the wrong octets. */
  reuseMemory: { type: 'boolean', default: false },
} as const;

/** Options of `validate`. */
export interface ValidateOptions extends OptionsOf<typeof VALIDATE_OPTIONS> {
  readonly ignore?: readonly RuleId[] | undefined;
  readonly onWarning?: ((warning: ValidationError) => unknown) | undefined;
  readonly onError?: ((error: ValidationError) => unknown) | undefined;
}

/**
 * Checks the options of `validate`.
 *
 * @throws TypeError if an option is unknown or has the wrong type, or if `ignore` names no rule
 */
export function checkValidateOptions(options: ValidateOptions): void {
  checkOptions(options, VALIDATE_OPTIONS, { likely: 'mode' });
  const unknown = options.ignore?.find((id) => !isRuleId(id));
  if (unknown === undefined) return;
  const message = `Option ignore names no rule: ${JSON.stringify(unknown)}; docs/SPEC.md lists the rules`;
  throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' });
}
