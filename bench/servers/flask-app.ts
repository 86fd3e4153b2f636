/** What both servers of Flask share: a hello as in Flask's documentation, and the number of its processes. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAfterwards } from './beside.ts';
import { HELLO } from './contender.ts';

/** Debian's Python, which has Debian's Flask and gunicorn. */
export const PYTHON = '/usr/bin/python3';
export const WORKERS = 2;

/** Writes the application into a folder that goes with this process. */
export function writeApplication(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-bench-'));
  runAfterwards(`rm -rf ${folder}`);
  const lines = [
    'from flask import Flask',
    'app = Flask(__name__)',
    '',
    "@app.route('/')",
    'def hello():',
    `    return '${HELLO}'`,
    '',
  ];
  writeFileSync(join(folder, 'hello_site.py'), lines.join('\n'));
  return folder;
}
