/**
 * Reads the forms of an HTML page, as far as a submission needs them (HTML, Form submission infrastructure).
 *
 * It reads what servers write: no markup that a script makes, and no repair of broken nesting. A character reference that it
 * does not know throws.
 */

/** One control with a name. */
export interface Control {
  readonly name: string;
  readonly type: string;
  /** Values that are sent; of a box or a button the value that it would send. */
  values: string[];
  /** A box is ticked; anything else is always on, but for buttons. */
  isOn: boolean;
  /** The values that a select offers. */
  readonly offered: readonly string[] | undefined;
}

/** One form. */
export interface HtmlForm {
  readonly attributes: ReadonlyMap<string, string>;
  readonly controls: Control[];
}

type Attributes = ReadonlyMap<string, string>;

const TAG = /<!--[\s\S]*?(?:-->|$)|<(\/?)([a-zA-Z][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/g;
const ATTRIBUTE = /([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;
const RAW = new Set(['script', 'style', 'textarea', 'title']);

/** Reads all forms in order. */
export function readForms(html: string): HtmlForm[] {
  const forms: HtmlForm[] = [];
  const strays: [id: string, control: Control][] = [];
  let form: HtmlForm | undefined;
  let disabled = 0;
  const fieldsets: boolean[] = [];
  let select: { attributes: Attributes; options: { value: string; isSelected: boolean }[] } | undefined;
  const add = (attributes: Attributes, control: Omit<Control, 'name'>): void => {
    const name = attributes.get('name');
    if (name === undefined || name === '' || attributes.has('disabled') || disabled > 0) return;
    const owner = attributes.get('form');
    if (owner !== undefined) strays.push([owner, { name, ...control }]);
    else form?.controls.push({ name, ...control });
  };
  const tags = new RegExp(TAG);
  for (let match = tags.exec(html); match !== null; match = tags.exec(html)) {
    const [, slash, rawName, rest = ''] = match;
    if (rawName === undefined) continue;
    const name = rawName.toLowerCase();
    if (slash === '/') {
      if (name === 'form') form = undefined;
      if (name === 'fieldset' && fieldsets.pop() === true) disabled -= 1;
      if (name === 'select' && select !== undefined) {
        add(select.attributes, selectControl(select.attributes, select.options));
        select = undefined;
      }
      continue;
    }
    const attributes = readAttributes(rest);
    let text = '';
    if (RAW.has(name)) {
      const end = html.slice(tags.lastIndex).search(new RegExp(`</${name}`, 'i'));
      text = end === -1 ? html.slice(tags.lastIndex) : html.slice(tags.lastIndex, tags.lastIndex + end);
      tags.lastIndex += text.length;
    }
    if (name === 'form' && form === undefined) {
      form = { attributes, controls: [] };
      forms.push(form);
    } else if (name === 'fieldset') {
      fieldsets.push(attributes.has('disabled'));
      if (attributes.has('disabled')) disabled += 1;
    } else if (name === 'select') {
      select = { attributes, options: [] };
    } else if (name === 'option' && select !== undefined && !attributes.has('disabled')) {
      const [own = ''] = html.slice(tags.lastIndex).split('<', 1);
      const value = attributes.get('value') ?? decode(own).trim().replace(/\s+/g, ' ');
      select.options.push({ value, isSelected: attributes.has('selected') });
    } else if (name === 'textarea') {
      const value = decode(text).replace(/^\r?\n/, '');
      add(attributes, { type: 'textarea', values: [value], isOn: true, offered: undefined });
    } else if (name === 'input' || name === 'button') {
      add(attributes, inputControl(attributes, name === 'button' ? 'submit' : 'text'));
    }
  }
  for (const [id, control] of strays)
    forms.find(({ attributes }) => attributes.get('id') === id)?.controls.push(control);
  return forms;
}

function inputControl(attributes: Attributes, usual: string): Omit<Control, 'name'> {
  const type = (attributes.get('type') ?? usual).toLowerCase();
  const isBox = type === 'checkbox' || type === 'radio';
  const value = attributes.get('value') ?? (isBox ? 'on' : '');
  const isButton = ['submit', 'button', 'reset', 'image'].includes(type);
  return { type, values: [value], isOn: isBox ? attributes.has('checked') : !isButton, offered: undefined };
}

function selectControl(
  attributes: Attributes,
  options: readonly { readonly value: string; readonly isSelected: boolean }[],
): Omit<Control, 'name'> {
  const chosen = options.filter(({ isSelected }) => isSelected).map(({ value }) => value);
  const offered = options.map(({ value }) => value);
  const isMultiple = attributes.has('multiple');
  // One of a drop-down is always chosen: the last that says so, or else the first.
  const values = isMultiple ? chosen : [chosen.at(-1) ?? offered[0]].filter((one) => one !== undefined);
  return { type: isMultiple ? 'select-multiple' : 'select', values, isOn: true, offered };
}

function readAttributes(text: string): Attributes {
  const attributes = new Map<string, string>();
  for (const [, name = '', double, single, bare] of text.matchAll(ATTRIBUTE)) {
    const key = name.toLowerCase();
    // The first of two counts.
    if (!attributes.has(key)) attributes.set(key, decode(double ?? single ?? bare ?? ''));
  }
  return attributes;
}

/** The references that templates write; pages in UTF-8 need no others. */
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\xa0',
};

function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|([a-z][a-z0-9]*));/gi, (whole, hex, decimal, name) => {
    if (name === undefined) return String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal));
    const character = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
    if (character === undefined)
      throw new TypeError(`Reader of forms does not know ${whole}; write the character itself`);
    return character;
  });
}
