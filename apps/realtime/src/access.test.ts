import { describe, expect, it } from 'vitest';
import { handshakeToken, offeredProtocols } from './access.ts';

describe('handshakeToken', () => {
  it('reads the header, else the offered protocol, never both ways at once', () => {
    expect(handshakeToken({ authorization: 'Bearer a.b.c' })).toBe('a.b.c');
    expect(handshakeToken({ authorization: 'bearer a.b.c', 'sec-websocket-protocol': 'bearer.x' })).toBe('a.b.c');
    expect(handshakeToken({ 'sec-websocket-protocol': 'potentia.v1, bearer.a.b.c' })).toBe('a.b.c');
    expect(handshakeToken({ authorization: 'Basic abc', 'sec-websocket-protocol': 'bearer.x' })).toBeUndefined();
    expect(handshakeToken({})).toBeUndefined();
  });

  it('reads what a client offers', () => {
    expect(offeredProtocols(' potentia.v1 ,bearer.x,')).toEqual(['potentia.v1', 'bearer.x']);
    expect(offeredProtocols(undefined)).toEqual([]);
  });
});
