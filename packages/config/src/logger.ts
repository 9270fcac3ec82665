import { trace } from '@opentelemetry/api';
import { pino } from 'pino';

export type Logger = pino.Logger;

/** Never written, wherever they stand in the first two levels of what is logged, or in a request's headers. */
const secret_keys = [
  'authorization',
  'cookie',
  'set-cookie',
  'sec-websocket-protocol',
  'apikey',
  'api_key',
  'token',
  'access_token',
  'refresh_token',
  'password',
  'secret',
  'qr',
  'pairing_code',
];

const redact_paths = secret_keys.flatMap((key) => {
  const at = `["${key}"]`;
  return [at, `*${at}`, `*.headers${at}`];
});

/** An API key, wherever in a line it stands: in a message, an error, a URL. */
const API_KEYS = /pot_[0-9A-Za-z]{20,}/g;

/**
 * The log of one process: JSON lines with ISO times, secrets removed, the trace id of the active span on each line.
 * A request's own log is `log.child({ request_id })`.
 */
export function createLogger(
  options: { service: string; level: string; version?: string },
  // Written at once: with pino's buffered default the last lines of a process come out of order, or twice.
  destination: pino.DestinationStream = pino.destination({ dest: 1, sync: true }),
): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service, version: options.version },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: writableError },
      hooks: { streamWrite: (line) => (line.includes('pot_') ? line.replace(API_KEYS, 'pot_[redacted]') : line) },
      redact: { paths: redact_paths, censor: '[redacted]' },
      mixin: () => {
        const trace_id = trace.getActiveSpan()?.spanContext().traceId;
        return trace_id ? { trace_id } : {};
      },
    },
    destination,
  );
}

/**
 * What of an error is written. Not the rest of its fields: a driver hangs the command it sent on its error (for `AUTH` the
 * password), Postgres the row it refused, and an AppError the block as it stands.
 */
function writableError(error: Error): Record<string, unknown> {
  const { type, message, stack, code, kind, reason } = pino.stdSerializers.err(error) as Record<string, unknown>;
  return { type, message, stack, code, kind, reason };
}
