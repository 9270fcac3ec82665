import { Curve, proto } from '@whiskeysockets/baileys';

export interface KeyPair {
  public: Uint8Array;
  private: Uint8Array;
}

export interface ServerIdentity {
  /** The key of the server's half of the handshake. */
  key: KeyPair;
  /** `CertChain`, encoded: the server's key signed by an intermediate one, and that by the root. */
  chain: Uint8Array;
}

type Details = proto.CertChain.NoiseCertificate.IDetails;

/** Clients take the serial of their root for the issuer of an intermediate certificate. */
const ROOT_SERIAL = 0;
const YEAR_S = 31_536_000;

function certify(issuer: KeyPair, details: Details): proto.CertChain.INoiseCertificate {
  const encoded = proto.CertChain.NoiseCertificate.Details.encode(details).finish();
  return { details: encoded, signature: Curve.sign(issuer.private, encoded) };
}

/** A server key that clients trust who trust `root`. */
export function createServerIdentity(root: KeyPair): ServerIdentity {
  const now = Math.floor(Date.now() / 1000);
  const validity = { notBefore: now - YEAR_S, notAfter: now + YEAR_S };
  const intermediate = Curve.generateKeyPair();
  const key = Curve.generateKeyPair();
  const chain = proto.CertChain.encode({
    intermediate: certify(root, { serial: 1, issuerSerial: ROOT_SERIAL, key: intermediate.public, ...validity }),
    leaf: certify(intermediate, { serial: 2, issuerSerial: 1, key: key.public, ...validity }),
  }).finish();
  return { key, chain };
}
