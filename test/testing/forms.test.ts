import { describe, expect, it } from 'vitest';
import { readBody } from '../../src/index.ts';
import { createClient } from '../../src/testing/index.ts';
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
