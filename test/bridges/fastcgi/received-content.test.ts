import { describe, expect, it } from 'vitest';
import { ReceivedContent } from '../../../bridges/fastcgi/received-content.ts';

/** Content that has come whole, in two pieces. */
function received(length: number | undefined): ReceivedContent {
  const content = new ReceivedContent(() => {}).expect(length);
  content.take(Buffer.from('some'));
  content.take(Buffer.from(' text'));
  content.take(Buffer.alloc(0));
  return content;
}

describe.each([undefined, 9])('content of length %s', (length) => {
  it('is read to its end', async () => {
    const content = received(length);
    expect(`${await content.pull()}`).toBe('some text');
    content.discard();
    expect(await content.pull()).toBeNull();
  });

  it('that was thrown away does not look whole', async () => {
    const content = received(length);
    content.discard();
    await expect(content.pull()).rejects.toMatchObject({ code: 'WSGI_ERR_BODY_CONSUMED' });
  });
});
