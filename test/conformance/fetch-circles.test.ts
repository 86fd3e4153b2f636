import { NOT_THROUGH_FETCH } from './circle-exemptions.ts';
import { auditHost } from './conformance.ts';
import { fetchCircle, fetchSpiral } from './fetch-circles.ts';

auditHost(fetchCircle, NOT_THROUGH_FETCH);
// The same once more behind toFetch, whose own audits are in fetch.test.ts.
if (process.env.TOUR !== undefined) auditHost(fetchSpiral, NOT_THROUGH_FETCH);
