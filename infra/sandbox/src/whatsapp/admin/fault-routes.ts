import type { FastifyInstance } from 'fastify';
import type { CloseCode, Faults } from '../faults.ts';
import type { MediaServer } from '../media-server.ts';
import type { Admin } from './admin.ts';
import { badField } from './refusal.ts';
import { faultBody } from './schemas.ts';

interface Counted {
  target: string;
  times?: number;
}
interface UntilOff {
  target: string;
  times?: number | boolean;
}
interface Lasting {
  target: string;
  is_on?: boolean;
}

/** A fault as it is asked for; counts are 1 and switches on when not given. `target` is a number, or `number:device`. */
export type FaultInput =
  | { fault: 'close'; target: string; code: CloseCode; when?: 'now' | 'next_login'; after_messages?: number }
  | { fault: 'ack_error'; target: string; code: string; times?: number; to?: string }
  | ({ fault: 'drop_acks' | 'refuse_usync' | 'refuse_keys' } & UntilOff)
  | ({ fault: 'drop_after_receive' | 'duplicate_next' | 'corrupt_next' | 'withhold_next' | 'corrupt_sent' } & Counted)
  | ({ fault: 'hold_receipts' | 'never_end_offline' } & Lasting)
  | { fault: 'slow'; target: string; delay_ms: number }
  | { fault: 'low_pre_keys'; target: string; left?: number }
  | { fault: 'empty_pre_keys' | 'forget_offline'; target: string }
  | { fault: 'media'; status: number | null };

function setFault(faults: Faults, media: MediaServer, input: FaultInput): void {
  switch (input.fault) {
    case 'close': {
      const { target, code, when, after_messages } = input;
      return faults.closeWith(target, code, after_messages ? { after_messages } : when);
    }
    case 'ack_error':
      return faults.ackError(input.target, input.code, { times: input.times, to: input.to?.replace(/^\+/, '') });
    case 'drop_acks':
      return faults.dropAcks(input.target, input.times ?? 1);
    case 'refuse_usync':
      return faults.refuseUsync(input.target, input.times ?? 1);
    case 'refuse_keys':
      return faults.refuseKeys(input.target, input.times ?? 1);
    case 'drop_after_receive':
      return faults.dropAfterReceive(input.target, input.times ?? 1);
    case 'duplicate_next':
      return faults.duplicateNext(input.target, input.times ?? 1);
    case 'corrupt_next':
      return faults.corruptNext(input.target, input.times ?? 1);
    case 'withhold_next':
      return faults.withholdNext(input.target, input.times ?? 1);
    case 'corrupt_sent':
      return faults.corruptSent(input.target, input.times ?? 1);
    case 'hold_receipts':
      return faults.holdReceipts(input.target, input.is_on ?? true);
    case 'never_end_offline':
      return faults.neverEndOffline(input.target, input.is_on ?? true);
    case 'slow':
      return faults.slow(input.target, input.delay_ms);
    case 'low_pre_keys':
      return faults.lowPreKeys(input.target, input.left);
    case 'empty_pre_keys':
      return faults.emptyPreKeys(input.target);
    case 'forget_offline':
      return faults.forgetOffline(input.target);
    case 'media':
      return media.failWith(input.status);
  }
}

/** Failures on demand: `POST /whatsapp/faults` sets one, `DELETE` ends all. */
export function registerFaultRoutes(app: FastifyInstance, { running }: Admin): void {
  app.post<{ Body: FaultInput }>('/whatsapp/faults', { schema: { body: faultBody } }, (request, reply) => {
    const { server, media } = running();
    const { body } = request;
    if ('target' in body && !server.phone(body.target.split(':')[0] ?? '')) {
      throw badField('body/target', 'There is no phone with that number');
    }
    setFault(server.faults, media, body);
    return reply.code(204).send();
  });

  app.delete('/whatsapp/faults', (_request, reply) => {
    const { server, media } = running();
    server.faults.clear();
    media.failWith(null);
    return reply.code(204).send();
  });
}
