/** Lists all audits: every assertion of the gateway semantics that shows from outside. */
import type { GatewayAudit } from './audit.ts';
import { CGI_AUDITS } from './audits/cgi.ts';
import { CLOSING_AUDITS } from './audits/closing.ts';
import { CONTENT_AUDITS } from './audits/content.ts';
import { CONTEXT_AUDITS } from './audits/context.ts';
import { DEPARTURE_AUDITS } from './audits/departures.ts';
import { DISPOSAL_AUDITS } from './audits/disposal.ts';
import { ENVIRON_AUDITS } from './audits/environ.ts';
import { EXTENSION_AUDITS } from './audits/extensions.ts';
import { FAILURE_AUDITS } from './audits/failure.ts';
import { FIELD_AUDITS } from './audits/fields.ts';
import { FILE_WRAPPER_AUDITS } from './audits/file-wrapper.ts';
import { FORM_AUDITS } from './audits/forms.ts';
import { FRAMING_AUDITS } from './audits/framing.ts';
import { HOST_MIDDLEWARE_AUDITS } from './audits/host-middleware.ts';
import { INPUT_AUDITS } from './audits/input.ts';
import { MEMORY_AUDITS } from './audits/memory.ts';
import { MIDDLEWARE_AUDITS } from './audits/middleware.ts';
import { MISTAKE_AUDITS } from './audits/mistakes.ts';
import { MOUNTING_AUDITS } from './audits/mounting.ts';
import { PROMISE_AUDITS } from './audits/promises.ts';
import { PROTOCOL_AUDITS } from './audits/protocol.ts';
import { PULLED_PROGRAM_AUDITS } from './audits/pulled-programs.ts';
import { RESPONSE_HEAD_AUDITS } from './audits/response-head.ts';
import { START_RESPONSE_AUDITS } from './audits/start-response.ts';
import { STREAMING_AUDITS } from './audits/streaming.ts';
import { UPGRADE_AUDITS } from './audits/upgrade.ts';
import { WRAPPING_AUDITS } from './audits/wrapping.ts';
import { WRITE_AUDITS } from './audits/write.ts';

/**
 * Returns all audits of the contract, to be run on any host.
 *
 * @returns a new array, grouped by topic
 * @example
 * for (const audit of gatewayAudits()) {
 *   if (missingCapabilities(audit, host).length === 0) await audit.run(host);
 * }
 */
export function gatewayAudits(): GatewayAudit[] {
  return [
    ...ENVIRON_AUDITS,
    ...FIELD_AUDITS,
    ...START_RESPONSE_AUDITS,
    ...RESPONSE_HEAD_AUDITS,
    ...WRITE_AUDITS,
    ...FRAMING_AUDITS,
    ...STREAMING_AUDITS,
    ...MEMORY_AUDITS,
    ...CLOSING_AUDITS,
    ...DISPOSAL_AUDITS,
    ...DEPARTURE_AUDITS,
    ...CONTEXT_AUDITS,
    ...FAILURE_AUDITS,
    ...EXTENSION_AUDITS,
    ...UPGRADE_AUDITS,
    ...FILE_WRAPPER_AUDITS,
    ...INPUT_AUDITS,
    ...CONTENT_AUDITS,
    ...PROTOCOL_AUDITS,
    ...FORM_AUDITS,
    ...PROMISE_AUDITS,
    ...CGI_AUDITS,
    ...MOUNTING_AUDITS,
    ...WRAPPING_AUDITS,
    ...PULLED_PROGRAM_AUDITS,
    ...HOST_MIDDLEWARE_AUDITS,
    ...MISTAKE_AUDITS,
    ...MIDDLEWARE_AUDITS,
  ];
}
