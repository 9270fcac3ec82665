import type { BinaryNode, WASocket } from '@whiskeysockets/baileys';

type Listener = (node: BinaryNode) => unknown;

const MESSAGE = 'CB:message';

/**
 * Has Baileys work on messages in the order in which they came. It begins with each at once otherwise, and whoever's names it has to look
 * up is overtaken; and what waited while the session was away is worked on beside what is new. `before` is told of each as it comes.
 */
export function takeInOrder(
  sock: WASocket,
  before: (node: BinaryNode) => void,
  onError: (error: unknown) => void,
): void {
  const listeners = sock.ws.listeners(MESSAGE) as Listener[];
  sock.ws.removeAllListeners(MESSAGE);
  let last: Promise<unknown> = Promise.resolve();
  sock.ws.on(MESSAGE, (node: BinaryNode) => {
    try {
      before(node);
    } catch (error) {
      onError(error);
    }
    // With it Baileys would put it into a queue of its own.
    delete node.attrs['offline'];
    last = last.then(() => Promise.all(listeners.map((listener) => listener(node)))).catch(onError);
  });
}
