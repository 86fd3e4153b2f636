/**
 * Marks what the modules of a bundled file compute when they are loaded as free of side effects, which package.json says of all modules. So
 * the bundler of an application drops what it does not use of a file, as it drops files.
 */
import { parseAst } from 'rolldown/parseAst';

/** Marks calls in the values of variables. A class is not entered: what its static blocks call has effects. Nor is a function. */
export function markPure(code: string): string {
  const places: number[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (typeof value !== 'object' || value === null || !('type' in value)) return;
    if (/Function|ClassBody/.test(String(value.type))) return;
    if (value.type === 'CallExpression' || value.type === 'NewExpression')
      places.push(Reflect.get(value, 'start'));
    for (const child of Object.values(value)) visit(child);
  };
  for (const statement of parseAst(code).body)
    if (statement.type === 'VariableDeclaration') visit(statement.declarations);
  let marked = code;
  for (const place of [...new Set(places)].sort((one, other) => other - one)) {
    if (!marked.slice(0, place).endsWith('/* @__PURE__ */ '))
      marked = `${marked.slice(0, place)}/* @__PURE__ */ ${marked.slice(place)}`;
  }
  return marked;
}
