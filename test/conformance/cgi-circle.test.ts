/** Each request starts a process, so only the tour has all audits: they take five minutes. */
import { gatewayAudits } from '../../src/conformance/index.ts';
import { cgiCircle } from './cgi-circle.ts';
import { NOT_THROUGH_CGI } from './circle-exemptions.ts';
import { auditHost } from './conformance.ts';

/** One of each kind that depends on CGI: variables, heads, content in both directions, ends. */
const IN_CI =
  /^(?:environ-(?:2[5-9]|3[0-8]|4[1-7])|start-response-(?:68|74|85)|write-9[1-5]|body-(?:105|111|114|12[0-4]|13[01])|input-16[5-9])/;

const left = gatewayAudits().filter(({ id }) => !IN_CI.test(id));
const onlyInTour = left.map(({ id }) => [id, 'only in the tour'] as const);

auditHost(
  cgiCircle,
  process.env.TOUR === undefined ? new Map([...onlyInTour, ...NOT_THROUGH_CGI]) : NOT_THROUGH_CGI,
);
