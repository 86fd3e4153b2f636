import { fastifyHijacked, fastifyPrefixed } from '../conformance/hosts.ts';
import { expressRoundTrip, fastifyRoundTrip } from '../conformance/round-trips.ts';
import { auditValidated } from './hosts.ts';

for (const host of [fastifyPrefixed, fastifyHijacked, expressRoundTrip, fastifyRoundTrip])
  auditValidated(host);
