import { describe, expect, it } from 'vitest';
import { readBody } from '../../src/index.ts';
import { type ClientResponse, createClient, type FormValue } from '../../src/testing/index.ts';
import type { Application } from '../../src/wsgi.ts';

/** Shows a page at `/mount/page`, and tells what is sent elsewhere. */
const site =
  (page: string): Application =>
  async (environ, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/html; charset=utf-8']]);
    if (environ.PATH_INFO === '/page' && environ.QUERY_STRING === '' && environ.REQUEST_METHOD === 'GET')
      return [Buffer.from(page)];
    const { REQUEST_METHOD, PATH_INFO, QUERY_STRING, CONTENT_TYPE = '' } = environ;
    const content = Buffer.from(await readBody(environ)).toString();
    return [
      Buffer.from([REQUEST_METHOD, PATH_INFO, QUERY_STRING, CONTENT_TYPE.split(';')[0], content].join(' ')),
    ];
  };

const open = async (page: string) =>
  createClient(site(page), { baseUrl: 'http://a.test/mount' }).get('/page');

const CONTROLS = `
  <!-- <form><input name=no value=no></form> --><script>'<input name=no>'</script>
  <INPUT NAME=text VALUE='a "b" &lt;&#233;&#x20ac;'> <input name="off" disabled value=x>
  <input type=checkbox name=box value=1 checked><input type=checkbox name=box value=2><input type=checkbox name=on>
  <fieldset disabled><input name=no value=no></fieldset>
  <select name=one><option>First  one<option value=2>Second</select>
  <select name=many multiple><option selected>a</option><option>b</option><option selected>c</option></select>
  <textarea name=area>
&lt;b>bold</b></textarea> <input value=nameless>
  <button name=save value=1>Save</button><input type=submit name=drop value=2>`;

describe('form()', () => {
  it('sends what a browser sends', async () => {
    const page = await open(
      `<form action="../mount/to?kept=1#x" method=POST>${CONTROLS}</form><input name=no>`,
    );
    const answer = await page.form().submit();
    const [method, path, query, type, content] = (await answer.text()).split(' ');
    expect([method, path, query, type]).toEqual([
      'POST',
      '/to',
      'kept=1',
      'application/x-www-form-urlencoded',
    ]);
    expect([...new URLSearchParams(content)]).toEqual([
      ['text', 'a "b" <é€'],
      ['box', '1'],
      ['one', 'First one'],
      ['many', 'a'],
      ['many', 'c'],
      ['area', '<b>bold</b>'],
    ]);
  });

  it('sends what a test fills in, and the button that it presses', async () => {
    const page = await open(`<form action=/mount/to>${CONTROLS}</form>`);
    const form = page
      .form()
      .set('text', 'x')
      .set('box', ['2'])
      .set('on', 'on')
      .set('one', '2')
      .set('many', []);
    expect(await (await form.set('area', 'a\nb').submit('save')).text()).toBe(
      'GET /to text=x&box=2&on=on&one=2&area=a%0D%0Ab&save=1  ',
    );
  });

  it('is found by id, name or number; controls may name it', async () => {
    const html = '<form id=a></form><form name=b action="?b"></form><input name=x value=1 form=a>';
    const page = await open(html);
    expect(await (await page.form('a').submit()).text()).toBe('GET /page x=1  ');
    await expect(page.form(2).submit()).rejects.toThrow('Page has no form 2; it has 2');
    await expect(page.form('c').submit()).rejects.toThrow('Page has no form c');
  });

  it('may be multipart', async () => {
    const page = await open(
      '<form action=to method=post enctype=multipart/form-data><input name=a value=1></form>',
    );
    expect(await (await page.form().submit()).text()).toMatch(
      /^POST \/to {2}multipart\/form-data --.*name="a"\r\n\r\n1\r\n/s,
    );
  });

  it.each<[string, string, (form: ReturnType<Awaited<ReturnType<typeof open>>['form']>) => Promise<unknown>]>(
    [
      ['no field', 'Form has no field user', (form) => form.set('user', 'x').submit()],
      ['no box', 'no box of the value 3', (form) => form.set('box', '3').submit()],
      ['no choice', 'does not offer 3: First one, 2', (form) => form.set('one', '3').submit()],
      ['no button', 'Form has no button no', (form) => form.submit('no')],
    ],
  )('%s fails the test', async (_name, message, submit) => {
    const page = await open(`<form>${CONTROLS}</form>`);
    await expect(submit(page.form())).rejects.toThrow(message);
  });

  it('fails the test where it leaves the application, or has an unknown reference', async () => {
    await expect((await open('<form action="http://b.test/">')).form().submit()).rejects.toThrow(
      'Form leaves',
    );
    await expect((await open('<form><input name=a value="&eacute;">')).form().submit()).rejects.toThrow(
      '&eacute;',
    );
  });

  it('reads a page whose other markup has references that it does not know', async () => {
    const page = await open('<p title="caf&eacute;">&eacute;</p><form><input name=a value=1></form>');
    expect(await (await page.form().submit()).text()).toBe('GET /page a=1  ');
  });

  it('does not send what is in a disabled fieldset within another one', async () => {
    const inner = '<fieldset disabled><fieldset></fieldset><input name=no value=no></fieldset>';
    const page = await open(`<form><fieldset>${inner}<input name=a value=1></fieldset></form>`);
    expect(await (await page.form().submit()).text()).toBe('GET /page a=1  ');
  });
});

/** A form with a file input of these attributes. */
const upload = (
  attributes: string,
  form = 'method=post enctype=multipart/form-data',
): Promise<ClientResponse> =>
  open(`<form ${form}><input name=a value=1><input type=file name=f ${attributes}></form>`);

/** Splits multipart content as written by the client: `filename type content` of each file. */
async function filesOf(answer: Promise<ClientResponse>): Promise<string[]> {
  const parts = (await (await answer).text()).matchAll(
    /name="f"; filename="([^"]*)"\r\nContent-Type: (\S+)\r\n\r\n([\s\S]*?)\r\n--/g,
  );
  return [...parts].map(([, ...values]) => values.join(' '));
}

describe('a file input', () => {
  it.each<[name: string, value: FormValue, sent: string]>([
    ['a description', { name: 'a.txt', content: 'é' }, 'a.txt application/octet-stream é'],
    ['octets', { name: 'a.txt', content: Buffer.from('b'), type: 'text/plain' }, 'a.txt text/plain b'],
    ['a File', new File(['c'], 'c.txt', { type: 'text/x' }), 'c.txt text/x c'],
    ['a Blob', new Blob(['d']), 'blob application/octet-stream d'],
    ['an empty file', { name: 'e', content: '' }, 'e application/octet-stream '],
  ])('sends %s', async (_name, value, sent) => {
    const page = await upload('');
    expect(await filesOf(page.form().set('f', value).submit())).toEqual([sent]);
  });

  it('sends an empty part without a name if no file is chosen, as browsers do', async () => {
    const none = [' application/octet-stream '];
    expect(await filesOf((await upload('value=x')).form().submit())).toEqual(none);
    expect(await filesOf((await upload('multiple')).form().set('f', []).submit())).toEqual(none);
    // Without multipart its name is sent, which is empty.
    for (const form of ['method=post', ''])
      expect(await (await (await upload('', form)).form().submit()).text()).toContain('a=1&f=');
  });

  it('may be multiple', async () => {
    const files = ['a', 'b'].map((name) => ({ name, content: name }));
    const page = await upload('multiple');
    expect(await filesOf(page.form().set('f', files).submit())).toHaveLength(2);
    await expect((await upload('')).form().set('f', files).submit()).rejects.toThrow(
      'Field f takes one file: it is not multiple',
    );
  });

  it.each<[name: string, field: string, value: FormValue, form: string | undefined, message: string]>([
    ['text', 'f', 'x', undefined, 'pass a File or { name, content, type }'],
    ['a value without content', 'f', { name: 'x' } as never, undefined, 'must be a string, a File or'],
    ['null', 'f', null as never, undefined, 'not null'],
    ['a file for a text', 'a', { name: 'x', content: '' }, undefined, 'Field a takes no file'],
    [
      'a form without enctype',
      'f',
      { name: 'x', content: '' },
      'method=post',
      'enctype="multipart/form-data"',
    ],
    ['a form without method', 'f', new Blob(['x']), 'enctype=multipart/form-data', 'needs method="post"'],
  ])('refuses %s', async (_name, field, value, form, message) => {
    const page = await upload('', form);
    await expect(page.form().set(field, value).submit()).rejects.toThrow(message);
  });

  it('may get its encoding, method and action from the button', async () => {
    const page = await open(
      `<form action=no><input type=file name=f>
      <button name=b value=1 formaction=to formmethod=post formenctype=multipart/form-data></form>`,
    );
    const form = page.form().set('f', { name: 'a', content: 'b' });
    const answer = await form.submit('b');
    expect(await answer.text()).toMatch(/^POST \/to {2}multipart\/form-data [\s\S]*name="b"\r\n\r\n1\r\n/);
  });
});
