/** What a wrapped program's response says of its framing and its connection, on node:http and on the standalone server. */
import { describe, it } from 'vitest';
import { FRAMING_SCENES, INTERIM_SCENES } from './framing-scenes.ts';
import { expectAlike } from './play.ts';

describe('the framing of a wrapped program', () => {
  it.concurrent.each(FRAMING_SCENES)('is that of node:http: $name', async (scene) => {
    await expectAlike(scene);
  });

  it.concurrent.each(INTERIM_SCENES)(
    'is that of node:http for a final status that is interim: $name',
    async (scene) => {
      await expectAlike(scene);
    },
  );
});
