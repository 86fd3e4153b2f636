/**
 * The allowed directions of imports as data: which part of the project may import which.
 *
 * Rule 1: a violation means a change of the design, not of this table.
 * Rule 2: the first zone whose `files` match decides; a file of src or bridges without a zone is a finding.
 *
 * In patterns `*` matches anything but a slash, `**` matches anything, and `<name>` matches one segment without a
 * leading underscore; the imports of the same zone can use the name again.
 */
import type { SourceFile } from './source.ts';

export interface Zone {
  readonly files: string;
  readonly mayImport: readonly string[];
  /** More patterns allowed for `import type`, which leaves no trace at run time. */
  readonly mayImportTypes?: readonly string[];
}

/** The contract at the top of src. */
const DOOR = [
  'src/wsgi.ts',
  'src/port.ts',
  'src/errors.ts',
  'src/error-table.ts',
  'src/client-error-table.ts',
  'src/software.ts',
];

/** The part of src that bridges may import. */
const DOORS_FOR_BRIDGES = ['src/index.ts', 'src/gateway/index.ts', 'src/node-internals/index.ts'];

export const ZONES: readonly Zone[] = [
  { files: 'src/wsgi.ts', mayImport: [] },
  { files: 'src/index.ts', mayImport: [...DOOR, 'src/gateway/**'] },
  { files: 'src/*.ts', mayImport: DOOR },
  { files: 'src/gateway/**', mayImport: ['src/gateway/**', ...DOOR], mayImportTypes: ['node:**'] },
  { files: 'src/http/**', mayImport: ['src/http/**', 'src/errors.ts'] },
  { files: 'src/node-internals/**', mayImport: ['src/node-internals/**', 'src/errors.ts', 'node:**'] },
  {
    files: 'src/messages/**',
    mayImport: [
      ...['src/messages/**', 'src/gateway/**', 'src/node-internals/**', ...DOOR],
      ...['node:http', 'node:diagnostics_channel'],
    ],
    mayImportTypes: ['node:**'],
  },
  {
    files: 'src/server/**',
    mayImport: [
      ...['src/server/**', 'src/gateway/**', 'src/http/**', 'src/node-internals/**', 'src/messages/**'],
      ...[...DOOR, 'node:**'],
    ],
  },
  {
    files: 'src/validate/**',
    mayImport: ['src/validate/**', 'src/gateway/**', ...DOOR],
    mayImportTypes: ['node:**'],
  },
  {
    files: 'src/middleware/**',
    mayImport: ['src/middleware/**', 'src/gateway/**', ...DOOR],
    mayImportTypes: ['node:**'],
  },
  {
    files: 'src/testing/**',
    mayImport: ['src/testing/**', 'src/validate/**', 'src/gateway/**', ...DOOR, 'node:**'],
  },
  {
    files: 'src/conformance/**',
    mayImport: ['src/conformance/**', 'src/validate/**', 'src/gateway/**', ...DOOR, 'node:**'],
  },
  // By the names of the package, as users load them: no part of src may know a bridge's files.
  {
    files: 'src/cli/**',
    mayImport: [
      ...['src/**', 'node:**', 'gatebridge/express', 'gatebridge/fastify', 'gatebridge/node'],
      'gatebridge/python',
      'gatebridge/fetch',
    ],
  },
  {
    files: 'bridges/_<name>/**',
    mayImport: ['bridges/_*/**', ...DOORS_FOR_BRIDGES, 'node:**'],
  },
  {
    files: 'bridges/<name>/from-*.ts',
    mayImport: [
      'bridges/<name>/**',
      'bridges/_*/**',
      ...DOORS_FOR_BRIDGES,
      'src/messages/index.ts',
      'node:**',
    ],
  },
  {
    files: 'bridges/<name>/**',
    mayImport: ['bridges/<name>/**', 'bridges/_*/**', ...DOORS_FOR_BRIDGES, 'node:**'],
  },
  {
    files: 'examples/**',
    mayImport: [
      'examples/**',
      'gatebridge',
      'gatebridge/*',
      'busboy',
      'express',
      'fastify',
      'supertest',
      'ws',
      'node:**',
    ],
  },
];

/** Lists the imports of each file that the table forbids. */
export function checkDirections(files: readonly SourceFile[], zones: readonly Zone[] = ZONES): string[] {
  return files.flatMap((file) => checkFile(file, zones));
}

function checkFile(file: SourceFile, zones: readonly Zone[]): string[] {
  const zone = zones.find((candidate) => matcher(candidate.files).test(file.path));
  if (zone === undefined) {
    return /^(src|bridges)\//.test(file.path) ? [`${file.path}: belongs to no part of the design`] : [];
  }
  const name = matcher(zone.files).exec(file.path)?.groups?.name ?? '';
  const isAllowed = (target: string, patterns: readonly string[] = []) =>
    patterns.some((pattern) => matcher(pattern.replace('<name>', name)).test(target));
  return file.imports
    .filter(({ target, isTypeOnly }) => {
      return !isAllowed(target, zone.mayImport) && !(isTypeOnly && isAllowed(target, zone.mayImportTypes));
    })
    .map(({ specifier, line }) => `${file.path}:${line}: must not import '${specifier}'`);
}

function matcher(pattern: string): RegExp {
  const source = pattern.replace(/<name>|\*\*|\*|[^\w/<>*-]/g, (token) => {
    if (token === '<name>') return '(?<name>[^/_][^/]*)';
    if (token === '**') return '.*';
    return token === '*' ? '[^/]*' : `\\${token}`;
  });
  return new RegExp(`^${source}$`);
}
