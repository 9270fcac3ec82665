import { monitorEventLoopDelay } from 'node:perf_hooks';
import { session_statuses, type SessionStatus } from '@potentia/domain/whatsapp/schemas';
import { known_close_codes } from '@potentia/domain/whatsapp/rules/close-codes';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** How busy this process is, as it reports it with each beat. */
export interface WorkerLoad {
  /** Of one core, from 0 to 1. */
  cpu: number;
  rss_bytes: number;
  /** The 99th of a hundred delays of the event loop since the last beat. */
  event_loop_lag_ms: number;
  /** Both ways, since the last beat. */
  messages_per_second: number;
}

export interface WorkerMetrics {
  /** Asked at each scrape for the status of every held session. */
  watchSessions(statuses: () => Iterable<SessionStatus>): void;
  countConnect(): void;
  /** A socket opened, ms after it was asked for. */
  observeOpen(ms: number): void;
  /** Null: it failed without a code. */
  countClose(code: number | null): void;
  countDeaf(sign: 'ping' | 'ack'): void;
  /** Baileys wrote a line that nobody reads, since it may hold anything. */
  countComplaint(level: 'warn' | 'error'): void;
  countLost(by: 'renewal' | 'write' | 'api' | 'look'): void;
  /** A stanza of a message passed. */
  countMessage(direction: 'in' | 'out'): void;
  countBeat(outcome: 'ok' | 'unknown' | 'failed'): void;
  countCommand(command: string, status: number): void;
  /** What happened since it was last asked. */
  readLoad(): WorkerLoad;
}

/** No label is a session: there are thousands of them. */
export function createWorkerMetrics(registry: Registry): WorkerMetrics {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `potentia_wa_${name}`, help, labelNames, registers });
  const connects = counter('connects_total', 'Sockets that were opened to WhatsApp, whatever became of them');
  const closes = counter('closes_total', 'Sockets that closed, by the code that WhatsApp or Baileys gave', ['code']);
  const deaf = counter('deaf_sockets_total', 'Sockets that were open, heard nothing and were made anew', ['sign']);
  const complaints = counter('client_complaints_total', 'Lines that the WhatsApp client wanted to log', ['level']);
  const lost = counter('leases_lost_total', 'Sessions that were another worker’s by then, and who noticed', ['by']);
  const messages = counter('stanzas_total', 'Messages that passed as stanzas: received, and acknowledged', [
    'direction',
  ]);
  const beats = counter('heartbeats_total', 'Beats to the API', ['outcome']);
  const commands = counter('commands_total', 'Commands of the API', ['command', 'status']);
  const opening = new Histogram({
    name: 'potentia_wa_open_seconds',
    help: 'From the attempt to connect to a session that is logged in',
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
    registers,
  });
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let passed = 0;
  let read_at = performance.now();
  let used = process.cpuUsage();

  return {
    watchSessions(statuses) {
      new Gauge({
        name: 'potentia_wa_sessions',
        help: 'WhatsApp sessions that this worker holds, by status',
        labelNames: ['status'],
        registers,
        collect() {
          for (const status of session_statuses) this.set({ status }, 0);
          for (const status of statuses()) this.inc({ status });
        },
      });
    },
    countConnect: () => connects.inc(),
    observeOpen: (ms) => opening.observe(ms / 1_000),
    countClose: (code) =>
      closes.inc({ code: code === null ? 'none' : known_close_codes.includes(code) ? code : 'other' }),
    countDeaf: (sign) => deaf.inc({ sign }),
    countComplaint: (level) => complaints.inc({ level }),
    countLost: (by) => lost.inc({ by }),
    countMessage(direction) {
      passed += 1;
      messages.inc({ direction });
    },
    countBeat: (outcome) => beats.inc({ outcome }),
    countCommand: (command, status) => commands.inc({ command, status }),
    readLoad() {
      const seconds = Math.max((performance.now() - read_at) / 1_000, 0.001);
      const { user, system } = process.cpuUsage(used);
      const load = {
        cpu: Math.min(1, Math.round(((user + system) / 1e6 / seconds) * 100) / 100),
        rss_bytes: process.memoryUsage.rss(),
        event_loop_lag_ms: Math.round((delay.percentile(99) / 1e6) * 10) / 10 || 0,
        messages_per_second: Math.round((passed / seconds) * 10) / 10,
      };
      delay.reset();
      passed = 0;
      read_at = performance.now();
      used = process.cpuUsage();
      return load;
    },
  };
}
