import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Milliseconds in which a connection that was opened just before the end may still ask. */
const GRACE_MS = 500;

/**
 * Watches a server's connections. The function it returns is called when the service begins to stop: from then on a
 * connection on which nothing is asked, or only half a request's headers have come, is cut. Node counts such a one as busy
 * and would wait for it. What is being answered is left alone, and so are sockets that became something else than HTTP.
 */
export function watchSilentConnections(server: Server): () => void {
  const requests_on = new Map<Socket, number>();
  const count = (socket: Socket, change: number): void => {
    const requests = requests_on.get(socket);
    if (requests !== undefined) requests_on.set(socket, requests + change);
  };
  server.on('connection', (socket) => {
    requests_on.set(socket, 0);
    socket.once('close', () => requests_on.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    count(socket, 1);
    response.once('close', () => count(socket, -1));
  });
  server.on('upgrade', ({ socket }) => requests_on.delete(socket));

  return () => {
    const sweep = setInterval(() => {
      for (const [socket, requests] of requests_on) if (requests === 0) socket.destroy();
    }, GRACE_MS);
    server.once('close', () => clearInterval(sweep));
  };
}
