/**
 * The cases of Werkzeug's tests/test_test.py (main of 2026), re-expressed. Its tests/test_formparser.py is about a parser of
 * forms, which is not here; the cases of the builder let node's parser read what `buildEnviron` wrote.
 */
import { declarePorted } from '../support/ported.ts';
import { BUILDER_CASES } from './werkzeug/builder-cases.ts';
import { CLIENT_CASES } from './werkzeug/client-cases.ts';
import { REDIRECT_CASES } from './werkzeug/redirect-cases.ts';
import { RUN_CASES } from './werkzeug/run-cases.ts';

declarePorted('Werkzeug test_test', [...CLIENT_CASES, ...BUILDER_CASES, ...REDIRECT_CASES, ...RUN_CASES]);
