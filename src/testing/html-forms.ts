/**
 * Reads the forms of an HTML page, as far as a submission needs them (HTML, Form submission infrastructure).
 *
 * It reads what servers write: no markup that a script makes, and no repair of broken nesting.
 */
import { File } from 'node:buffer';
import { type Attributes, decodeReferences, readAttributes, readTags, type Tag } from './html-tags.ts';

/** One control with a name. */
export interface Control {
  readonly name: string;
  readonly type: string;
  /** Values that are sent; of a box or a button the value that it would send. */
  values: (string | File)[];
  /** A box is ticked; anything else is always on, but for buttons. */
  isOn: boolean;
  /** The values that a select offers. */
  readonly offered: readonly string[] | undefined;
  readonly attributes: Attributes;
}

/** One form. */
export interface HtmlForm {
  readonly attributes: Attributes;
  readonly controls: Control[];
}

/** Elements that count in a form. */
const ELEMENTS = new Set(['form', 'fieldset', 'select', 'option', 'input', 'button', 'textarea']);

/** Reads all forms in order. */
export function readForms(html: string): HtmlForm[] {
  const reader = new FormReader();
  for (const tag of readTags(html)) {
    if (!ELEMENTS.has(tag.name)) continue;
    if (tag.isEnd) reader.end(tag.name);
    else reader.begin(tag);
  }
  return reader.finish();
}

/** A select whose options are being read. */
interface Select {
  readonly attributes: Attributes;
  readonly options: { readonly value: string; readonly isSelected: boolean }[];
}

/** The members of a control that its element tells. */
type Kind = Omit<Control, 'name' | 'attributes'>;

/** Makes forms of the tags of a page. */
class FormReader {
  readonly #forms: HtmlForm[] = [];
  /** Controls that name their form, which may come later. */
  readonly #strays: [id: string, control: Control][] = [];
  /** The open fieldsets: true for a disabled one. */
  readonly #fieldsets: boolean[] = [];
  #form: HtmlForm | undefined;
  #select: Select | undefined;

  begin({ name, attributes: source, text }: Tag): void {
    const attributes = readAttributes(source);
    const isDisabled = attributes.has('disabled');
    if (name === 'form') this.#beginForm(attributes);
    else if (name === 'fieldset') this.#fieldsets.push(isDisabled);
    else if (name === 'select') this.#select = { attributes, options: [] };
    else if (name !== 'option') this.#add(attributes, controlOf(name, attributes, text));
    else if (!isDisabled) this.#select?.options.push(optionOf(attributes, text));
  }

  end(name: string): void {
    if (name === 'form') this.#form = undefined;
    else if (name === 'fieldset') this.#fieldsets.pop();
    else if (name === 'select' && this.#select !== undefined) {
      this.#add(this.#select.attributes, selectControl(this.#select));
      this.#select = undefined;
    }
  }

  finish(): HtmlForm[] {
    for (const [id, control] of this.#strays)
      this.#forms.find(({ attributes }) => attributes.get('id') === id)?.controls.push(control);
    return this.#forms;
  }

  /** A form within a form is ignored. */
  #beginForm(attributes: Attributes): void {
    if (this.#form !== undefined) return;
    this.#form = { attributes, controls: [] };
    this.#forms.push(this.#form);
  }

  #add(attributes: Attributes, rest: Kind): void {
    const name = attributes.get('name');
    if (name === undefined || name === '' || attributes.has('disabled') || this.#fieldsets.includes(true))
      return;
    const control = { name, attributes, ...rest };
    const owner = attributes.get('form');
    if (owner === undefined) this.#form?.controls.push(control);
    else this.#strays.push([owner, control]);
  }
}

function controlOf(name: string, attributes: Attributes, text: string): Kind {
  if (name === 'textarea') {
    const value = decodeReferences(text).replace(/^\r?\n/, '');
    return { type: 'textarea', values: [value], isOn: true, offered: undefined };
  }
  const type = (attributes.get('type') ?? (name === 'button' ? 'submit' : 'text')).toLowerCase();
  if (type === 'file') return { type, values: [noFile()], isOn: true, offered: undefined };
  const isBox = type === 'checkbox' || type === 'radio';
  const value = attributes.get('value') ?? (isBox ? 'on' : '');
  const isButton = ['submit', 'button', 'reset', 'image'].includes(type);
  return { type, values: [value], isOn: isBox ? attributes.has('checked') : !isButton, offered: undefined };
}

/** An input without a chosen file sends one without name and content (HTML, Constructing the entry list). */
function noFile(): File {
  return new File([], '', { type: 'application/octet-stream' });
}

function optionOf(attributes: Attributes, text: string): Select['options'][number] {
  const value = attributes.get('value') ?? decodeReferences(text).trim().replace(/\s+/g, ' ');
  return { value, isSelected: attributes.has('selected') };
}

function selectControl({ attributes, options }: Select): Kind {
  const chosen = options.filter(({ isSelected }) => isSelected).map(({ value }) => value);
  const offered = options.map(({ value }) => value);
  const isMultiple = attributes.has('multiple');
  // One of a drop-down is always chosen: the last that says so, or else the first.
  const values = isMultiple ? chosen : [chosen.at(-1) ?? offered[0]].filter((one) => one !== undefined);
  return { type: isMultiple ? 'select-multiple' : 'select', values, isOn: true, offered };
}
