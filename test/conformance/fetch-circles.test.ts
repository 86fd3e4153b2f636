import { NOT_THROUGH_FETCH } from './circle-exemptions.ts';
import { auditHost } from './conformance.ts';
import { fetchCircle, fetchSpiral } from './fetch-circles.ts';

auditHost(fetchCircle, NOT_THROUGH_FETCH);
auditHost(fetchSpiral, NOT_THROUGH_FETCH);
