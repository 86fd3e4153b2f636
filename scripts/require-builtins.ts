/**
 * Has a bundled file require modules of node instead of importing them.
 *
 * An import makes all exports of the module, also those that node makes when they are first used: with node:http comes the whole client of
 * `fetch`, with node:net its lists of addresses (Node 22 to 26). That takes longer than to load an entry. And tools that trace see all
 * modules that are required, but those that are imported only if they have a loader.
 */

/** The path is of no importance: only modules of node are required. */
const REQUIRE = 'const nodeRequire = process.getBuiltinModule("node:module").createRequire("/");';

/** An import as the bundler writes it: on a line of its own, with a default, names, or both. */
const IMPORT = /^import (?:(\w+)(?:, )?)?(\{.*\})? ?from "(node:[\w/]+)";$/gm;

/** Gives the file without imports of modules of node. */
export function requireBuiltins(code: string): string {
  const text = code.replace(
    IMPORT,
    (_line, whole: string | undefined, names: string | undefined, module: string) => {
      const targets = [whole, names?.replaceAll(' as ', ': ')].filter((target) => target !== undefined);
      return targets.map((target) => `const ${target} = nodeRequire("${module}");`).join('\n');
    },
  );
  if (/^import .*["']node:/m.test(text)) throw new Error('An import of a module of node has another form');
  return text === code ? code : text.replace(/^const .*= nodeRequire\(/m, `${REQUIRE}\n$&`);
}
