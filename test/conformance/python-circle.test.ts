import { afterAll } from 'vitest';
import { PYTHON } from '../bridges/python/places.ts';
import { NOT_THROUGH_PYTHON } from './circle-exemptions.ts';
import { auditHost } from './conformance.ts';
import { closePython, pythonCircle } from './python-circle.ts';

auditHost(pythonCircle, NOT_THROUGH_PYTHON, PYTHON);

afterAll(closePython);
