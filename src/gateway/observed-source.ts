/** An `InputSource` whose pieces somebody watches who does not read them. */
import type { InputSource } from '../port.ts';
import { isPromise } from './promise.ts';

/** Hears each piece as it is pulled, and null at the end. */
export type PieceObserver = (piece: Uint8Array | null) => void;

/** Makes a source that gives the pieces of another one, and tells of them first. */
export function observedSource(source: InputSource, observer: PieceObserver): InputSource {
  const tell = (piece: Uint8Array | null): Uint8Array | null => {
    observer(piece);
    return piece;
  };
  return {
    pull() {
      const pulled = source.pull();
      return isPromise(pulled) ? pulled.then(tell) : tell(pulled);
    },
    skip: () => source.skip?.() === true,
    beginIteration: () => source.beginIteration?.(),
    endIteration: () => source.endIteration?.(),
  };
}
