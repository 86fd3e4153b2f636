import { auditHost } from './conformance.ts';
import { expressRoundTrip, fastifyRoundTrip } from './round-trips.ts';

auditHost(expressRoundTrip);
auditHost(fastifyRoundTrip);
