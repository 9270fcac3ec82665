import { Counter, type Registry } from 'prom-client';
import type { InboundItem } from './item.ts';

export interface InboundMetrics {
  countItem(item: InboundItem): void;
  /** A stanza came again, and was answered from the journal. */
  countRepeated(): void;
  countMedia(outcome: 'stored' | 'failed' | 'too_large' | 'retried' | 'deleted', bytes?: number): void;
}

export function createInboundMetrics(registry: Registry): InboundMetrics {
  const registers = [registry];
  const items = new Counter({
    name: 'potentia_wa_inbound_total',
    help: 'Messages that came in and were journaled; `undecryptable` ones are asked for again',
    labelNames: ['kind'],
    registers,
  });
  const repeated = new Counter({
    name: 'potentia_wa_inbound_repeated_total',
    help: 'Messages that came again, and were answered from the journal',
    registers,
  });
  const media = new Counter({
    name: 'potentia_wa_inbound_media_total',
    help: 'Files of messages, by what became of fetching them',
    labelNames: ['outcome'],
    registers,
  });
  const bytes = new Counter({
    name: 'potentia_wa_inbound_media_bytes_total',
    help: 'Bytes of files of messages that were stored',
    registers,
  });
  return {
    countItem: ({ type, is_stub, media: file }) =>
      items.inc({ kind: is_stub ? 'undecryptable' : type === 'protocol' ? 'protocol' : file ? 'media' : 'message' }),
    countRepeated: () => repeated.inc(),
    countMedia(outcome, size = 0) {
      media.inc({ outcome });
      bytes.inc(size);
    },
  };
}
