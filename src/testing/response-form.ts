/** A form of an HTML answer, filled in and submitted by a test. */
import assert from 'node:assert/strict';
import type { File } from 'node:buffer';
import type { BuildEnvironOptions } from './build-environ.ts';
import { type FormValue, toFile } from './form-file.ts';
import { type Control, type HtmlForm, readForms } from './html-forms.ts';

/** A form of an HTML answer. The page is read when it is submitted. */
export interface ResponseForm<Response> {
  /**
   * Fills in a field: the value of a text or a select, several values of a multiple select, of boxes with that name the
   * values that are ticked, or the files of a file input.
   */
  set(name: string, value: FormValue | readonly FormValue[]): this;
  /**
   * Submits the form, as a browser does.
   *
   * @param button The name of the button that is pressed
   * @throws AssertionError if the page has no such form, field, value or button
   */
  submit(button?: string): Promise<Response>;
}

/** A submission: what the form sends, and where. */
export interface Submission {
  readonly method: 'GET' | 'POST';
  /** As the page has it. */
  readonly action: string;
  readonly options: Pick<BuildEnvironOptions, 'query' | 'form'>;
}

/**
 * Makes a form.
 *
 * @param which The id or the name of the form, or its number
 * @param read Reads the page
 * @param send Sends what the form says
 */
export function createForm<Response>(
  which: string | number,
  read: () => Promise<string>,
  send: (submission: Submission) => Promise<Response>,
): ResponseForm<Response> {
  const changes: [name: string, values: readonly FormValue[]][] = [];
  const form: ResponseForm<Response> = {
    set(name, value) {
      changes.push([name, [value].flat()]);
      return form;
    },
    async submit(button) {
      const found = findForm(readForms(await read()), which);
      for (const [name, values] of changes) fill(found, name, values);
      return send(submission(found, button === undefined ? undefined : press(found, button)));
    },
  };
  return form;
}

function findForm(forms: readonly HtmlForm[], which: string | number): HtmlForm {
  const isIt = ({ attributes }: HtmlForm): boolean =>
    attributes.get('id') === which || attributes.get('name') === which;
  const found = typeof which === 'number' ? forms[which] : forms.find(isIt);
  assert.ok(found, `Page has no form ${which}; it has ${forms.length}`);
  return found;
}

function fill({ controls }: HtmlForm, name: string, values: readonly FormValue[]): void {
  const named = controls.filter((control) => control.name === name);
  const [control] = named;
  assert.ok(control, `Form has no field ${name}; it has ${controls.map((one) => one.name).join(', ')}`);
  if (control.type === 'file') {
    choose(control, values);
    return;
  }
  const texts = values.filter((value) => typeof value === 'string');
  assert.equal(texts.length, values.length, `Field ${name} takes no file: it is no <input type="file">`);
  const boxes = named.filter(({ type }) => type === 'checkbox' || type === 'radio');
  for (const one of texts) {
    if (boxes.length > 0)
      assert.ok(
        boxes.some((box) => box.values[0] === one),
        `Field ${name} has no box of the value ${one}`,
      );
    else
      assert.ok(
        control.offered?.includes(one) ?? true,
        `Field ${name} does not offer ${one}: ${control.offered?.join(', ')}`,
      );
  }
  for (const box of boxes) box.isOn = values.includes(box.values[0] ?? '');
  if (boxes.length === 0) control.values = texts;
}

/** Chooses the files of a file input. An empty list leaves it without one. */
function choose(control: Control, values: readonly FormValue[]): void {
  const { name, attributes } = control;
  const files = values.map((value) => {
    assert.ok(typeof value !== 'string', `Field ${name} takes files: pass a File or { name, content, type }`);
    return toFile(value);
  });
  assert.ok(
    files.length < 2 || attributes.has('multiple'),
    `Field ${name} takes one file: it is not multiple`,
  );
  if (files.length > 0) control.values = files;
}

function press({ controls }: HtmlForm, name: string): Control {
  const button = controls.find((control) => control.name === name && control.type === 'submit');
  assert.ok(button, `Form has no button ${name}`);
  button.isOn = true;
  return button;
}

/** A button may have an action, a method and an encoding of its own. */
function submission({ attributes, controls }: HtmlForm, button: Control | undefined): Submission {
  const read = (name: string): string => button?.attributes.get(`form${name}`) ?? attributes.get(name) ?? '';
  const pairs = controls.filter(({ isOn }) => isOn).flatMap(pairsOf);
  const action = read('action');
  const isPost = read('method').toLowerCase() === 'post';
  if (isPost && read('enctype').toLowerCase() === 'multipart/form-data') {
    const form = new FormData();
    for (const [name, value] of pairs) form.append(name, value);
    return { method: 'POST', action, options: { form } };
  }
  const texts = new URLSearchParams();
  for (const [name, value] of pairs)
    texts.append(name, typeof value === 'string' ? value : nameOf(name, value));
  return isPost
    ? { method: 'POST', action, options: { form: texts } }
    : { method: 'GET', action, options: { query: texts } };
}

/** Other encodings send the name of a file alone, which no test means. */
function nameOf(field: string, file: File): string {
  assert.ok(
    file.name === '' && file.size === 0,
    `Form sends only the name of the file in ${field}: it needs method="post" enctype="multipart/form-data"`,
  );
  return '';
}

/** Line ends are CRLF in a submission (HTML, Constructing the entry list). */
function pairsOf({ name, values }: Control): [string, string | File][] {
  return values.map((value) => [
    name,
    typeof value === 'string' ? value.replace(/\r\n|\r|\n/g, '\r\n') : value,
  ]);
}
