import type { Logger } from '@potentia/config/logger';
import { Counter, type Registry } from 'prom-client';
import type { AppError } from '../platform/errors.ts';

/**
 * What a verifier calls when it takes no token: counts by code, and tells the log at debug level the reason, which the
 * client does not learn. Neither holds any of the token.
 */
export function observeRefusals({ registry, log }: { registry: Registry; log: Logger }): (error: AppError) => void {
  const refused = new Counter({
    name: 'potentia_auth_refused_total',
    help: 'Access tokens that were not taken, by code',
    labelNames: ['code'],
    registers: [registry],
  });
  return ({ code, cause }) => {
    refused.inc({ code });
    log.debug({ code, reason: cause instanceof Error ? cause.message : cause }, 'an access token is not taken');
  };
}
