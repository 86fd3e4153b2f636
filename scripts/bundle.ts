/**
 * Bundles the package into few files: node takes longer to find and read a module than to run it.
 *
 * Rule 1: a module is in one file, whichever entries need it. So a class is the same through all of them.
 * Rule 2: an entry loads no module of node that it does not need.
 * Rule 3: a file is in the folder of its sources, because some of them find programs by `import.meta.url`.
 * Rule 4: names stay those of the sources, and a line names the source of each part of a file.
 */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type OutputChunk, type RolldownOutput, rolldown } from 'rolldown';
import { keepNames } from './keep-names.ts';
import { markPure } from './mark-pure.ts';
import { requireBuiltins } from './require-builtins.ts';

/** A file that several entries load. */
interface Part {
  /** Its path in `dist`, without extension. */
  readonly file: string;
  /** The sources that it is for. What they import comes along, unless a part before has it. */
  readonly sources: RegExp;
}

/** The shared files. What only one entry needs is in the file of that entry. */
const PARTS: readonly Part[] = [
  // Portable entries load no other part, so it also has what they share with bridges to programs.
  {
    file: 'src/gateway/gateway',
    sources: /^src\/(gateway\/|[\w-]+\.ts$)|^bridges\/_cgi\/input-pieces\.ts$/,
  },
  { file: 'src/messages/messages', sources: /^src\/(messages|node-internals)\// },
  { file: 'src/server/server', sources: /^src\/(server|http)\// },
  { file: 'src/validate/validate', sources: /^src\/validate\// },
  { file: 'src/testing/testing', sources: /^src\/testing\// },
  // The middleware that the command has options for.
  {
    file: 'src/middleware/layers',
    sources: /^src\/middleware\/(access-log|answer|compose|trusted-proxy)\.ts$/,
  },
  { file: 'src/conformance/kit', sources: /^src\/conformance\/(audits\/kit|cgi-programs)\.ts$/ },
  { file: 'src/cli/settings', sources: /^src\/cli\/(help|log|read-settings|report-error)\.ts$/ },
  {
    file: 'src/cli/service',
    sources: /^src\/cli\/(?!(main|worker|index|config|single|supervisor|check|fetch-command)\.ts$)/,
  },
  { file: 'bridges/_node/mounts', sources: /^bridges\/_node\/(?!replayed-input\.ts$)/ },
  { file: 'bridges/_process/waiting', sources: /^bridges\/_process\/(waiting-line|departures)\.ts$/ },
  { file: 'bridges/_cgi/programs', sources: /^bridges\/_(cgi\/|process\/(error-lines|slots)\.ts$)/ },
];

/** Files that are started or imported by their path, beside the entries of package.json. */
const STARTED = ['src/cli/main', 'src/cli/worker', 'src/conformance/audits/cgi-applications'];

/**
 * Writes the files.
 *
 * @param root The folder of the project
 * @param folder The folder to write to: `dist`
 * @throws Error if a module would look for a program in the wrong folder
 */
export async function bundle(root: string, folder: string): Promise<void> {
  const pathOf = (id: string): string => posix.relative(root, id);
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries(entriesOf(root).map((path) => [path, join(root, `${path}.ts`)])),
    platform: 'node',
    // The command imports bridges by the name of the package.
    external: /^(node:|gatebridge)/,
    tsconfig: false,
    preserveEntrySignatures: 'strict',
    // Here is more work than in the bundler.
    checks: { bundlerTimings: false },
  });
  try {
    const output = await build.write({
      dir: folder,
      format: 'esm',
      // V8 reads a text of ASCII fastest.
      charset: 'ascii',
      comments: false,
      // The bundler's own option needs a helper, which imports node:module.
      plugins: [{ name: 'finish', renderChunk: (code) => requireBuiltins(markPure(keepNames(code))) }],
      minify: false,
      minifyInternalExports: false,
      sanitizeFileName: false,
      entryFileNames: '[name].js',
      chunkFileNames: ({ name, facadeModuleId, moduleIds }) => {
        if (name.includes('/')) return '[name].js';
        return pathOf(facadeModuleId ?? moduleIds.at(-1) ?? name).replace(/\.ts$/, '.js');
      },
      codeSplitting: {
        groups: PARTS.map(({ file, sources }, index) => ({
          name: file,
          test: (id) => sources.test(pathOf(id)),
          priority: PARTS.length - index,
        })),
      },
    });
    checkPlaces(output, pathOf);
  } finally {
    await build.close();
  }
}

/** The entries of package.json, and what is started: paths of sources, without extension. */
function entriesOf(root: string): string[] {
  // The file of this project.
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  };
  const files = Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [] : [target.default.replace(/^\.\/dist\/(.*)\.js$/, '$1')],
  );
  return [...files, ...STARTED];
}

/** Refuses a file that holds a use of `import.meta` from another folder. */
function checkPlaces({ output }: RolldownOutput, pathOf: (id: string) => string): void {
  const chunks = output.filter((file): file is OutputChunk => file.type === 'chunk');
  for (const { fileName, moduleIds } of chunks) {
    const strays = moduleIds.filter((id) => {
      const isElsewhere = posix.dirname(pathOf(id)) !== posix.dirname(fileName);
      return isElsewhere && id.endsWith('.ts') && /import\.meta/.test(readFileSync(id, 'utf8'));
    });
    if (strays.length > 0) throw new Error(`${fileName} is in another folder than ${strays.map(pathOf)}`);
  }
}
