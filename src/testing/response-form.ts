/** A form of an HTML answer, filled in and submitted by a test. */
import assert from 'node:assert/strict';
import type { BuildEnvironOptions } from './build-environ.ts';
import { type Control, type HtmlForm, readForms } from './html-forms.ts';

/** A form of an HTML answer. The page is read when it is submitted. */
export interface ResponseForm<Response> {
  /**
   * Fills in a field: the value of a text or a select, several values of a multiple select, or of boxes with that name the
   * values that are ticked.
   */
  set(name: string, value: string | readonly string[]): this;
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
  const changes: [name: string, value: string | readonly string[]][] = [];
  const form: ResponseForm<Response> = {
    set(name, value) {
      changes.push([name, value]);
      return form;
    },
    async submit(button) {
      const found = findForm(readForms(await read()), which);
      for (const [name, value] of changes) fill(found, name, value);
      if (button !== undefined) press(found, button);
      return send(submission(found));
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

function fill({ controls }: HtmlForm, name: string, value: string | readonly string[]): void {
  const values = [value].flat();
  const named = controls.filter((control) => control.name === name);
  assert.ok(
    named.length > 0,
    `Form has no field ${name}; it has ${controls.map((one) => one.name).join(', ')}`,
  );
  const boxes = named.filter(({ type }) => type === 'checkbox' || type === 'radio');
  if (boxes.length > 0) {
    for (const one of values)
      assert.ok(
        boxes.some((box) => box.values[0] === one),
        `Field ${name} has no box of the value ${one}`,
      );
    for (const box of boxes) box.isOn = values.includes(box.values[0] ?? '');
    return;
  }
  const [control] = named;
  if (control === undefined) return;
  for (const one of values)
    assert.ok(
      control.offered?.includes(one) ?? true,
      `Field ${name} does not offer ${one}: ${control.offered?.join(', ')}`,
    );
  control.values = values;
}

function press({ controls }: HtmlForm, name: string): void {
  const button = controls.find((control) => control.name === name && control.type === 'submit');
  assert.ok(button, `Form has no button ${name}`);
  button.isOn = true;
}

function submission({ attributes, controls }: HtmlForm): Submission {
  const pairs = controls.filter(({ isOn }) => isOn).flatMap(pairsOf);
  const action = attributes.get('action') ?? '';
  if ((attributes.get('method') ?? '').toLowerCase() !== 'post')
    return { method: 'GET', action, options: { query: new URLSearchParams(pairs) } };
  if (attributes.get('enctype')?.toLowerCase() !== 'multipart/form-data')
    return { method: 'POST', action, options: { form: new URLSearchParams(pairs) } };
  const form = new FormData();
  for (const [name, value] of pairs) form.append(name, value);
  return { method: 'POST', action, options: { form } };
}

/** Line ends are CRLF in a submission (HTML, Constructing the entry list). */
function pairsOf({ name, values }: Control): [string, string][] {
  return values.map((value) => [name, value.replace(/\r\n|\r|\n/g, '\r\n')]);
}
