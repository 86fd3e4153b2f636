/** A person at a browser: fills in forms, sends them, and notes what is broken. */
import { expect, type TestContext } from 'vitest';
import { Browser, type Page } from '../../support/browser.ts';
import { requirePeer } from '../../support/peer.ts';

/** A value of a field, or the state of a box. */
type Fields = Readonly<Record<string, string | boolean>>;

interface Expectations {
  /** Addresses that belong to other applications of the host. */
  readonly beside?: readonly string[];
  /** Complaints of the browser that are the application's own. */
  readonly known?: RegExp;
}

/** A page of an application. */
export class Visitor {
  readonly page: Page;
  /** The address of the application, without a slash at the end. */
  readonly url: string;

  private constructor(page: Page, url: string) {
    this.page = page;
    this.url = url;
  }

  /** Opens a browser, which is closed after the test. */
  static async come(context: TestContext, url: string): Promise<Visitor> {
    const browser = await Browser.launch(
      requirePeer(context, 'chromium', 'chromium-browser', 'google-chrome'),
    );
    context.onTestFinished(() => browser.close());
    return new Visitor(await browser.open('about:blank', { width: 1280, scheme: 'light' }), url);
  }

  /** Goes to a path of the application. */
  async goto(path: string): Promise<void> {
    await this.page.goto(this.url + path);
  }

  /** Fills in fields, by their selectors, as scripts of the page see it. */
  async fill(fields: Fields): Promise<void> {
    await this.page.evaluate(`for (const [selector, value] of Object.entries(${JSON.stringify(fields)})) {
      const node = document.querySelector(selector);
      if (node === null) throw new Error('There is no ' + selector + ' on ' + location.href);
      if (typeof value === 'boolean') { if (node.checked !== value) node.click(); continue; }
      node.value = value;
      for (const type of ['input', 'change']) node.dispatchEvent(new Event(type, { bubbles: true }));
    }`);
  }

  /** Presses a button or follows a link, once it is there and enabled, and waits for the page that comes. */
  async follow(selector: string): Promise<void> {
    const node = `document.querySelector(${JSON.stringify(selector)})`;
    await this.page.until(`${node} !== null && !${node}.disabled`);
    await this.page.evaluate(`window.isLeft = true; ${node}.click();`);
    await this.page.until("window.isLeft === undefined && document.readyState === 'complete'");
  }

  /** Follows the first link or button with a text. */
  async followText(text: string): Promise<void> {
    await this.page.evaluate(`(() => {
      const nodes = [...document.querySelectorAll('a, button, input[type=submit]')];
      const found = nodes.find((node) => (node.value || node.innerText).trim() === ${JSON.stringify(text)});
      if (found === undefined) throw new Error('There is no ' + ${JSON.stringify(text)} + ' on ' + location.href);
      document.querySelector('#to-follow')?.removeAttribute('id');
      found.id = 'to-follow';
    })()`);
    await this.follow('#to-follow');
  }

  /** The text of the page. */
  async text(): Promise<string> {
    return String(await this.page.evaluate('document.body.innerText'));
  }

  /** The path below the application, with its query. */
  async place(): Promise<string> {
    return String(await this.page.evaluate('location.href')).replace(this.url, '');
  }

  /** Expects that nothing was broken: no error of a script, no file that is missing, nothing asked for beside the application. */
  expectSound({ beside = [], known = /^$/ }: Expectations = {}): void {
    // The browser looks for one at the root of the host, where no page has sent it.
    const favicon = `${new URL(this.url).origin}/favicon.ico`;
    const isOwn = (one: string): boolean => known.test(one) || one.includes(favicon);
    expect(this.page.problems.filter((one) => !isOwn(one))).toEqual([]);
    const ours = [`${this.url}/`, favicon, ...beside];
    const isOurs = (one: string): boolean =>
      one === this.url || ours.some((start) => one.startsWith(start)) || /^(?:data|blob|about):/.test(one);
    expect(this.page.requests.filter((one) => !isOurs(one))).toEqual([]);
    // The mount stands in each path once.
    const twice = this.page.requests.filter((one) => /\/code\/(?:.*\/)?code\//.test(one));
    expect(twice).toEqual([]);
  }
}
