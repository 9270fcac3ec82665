import type { DemoUser } from './demo-users.ts';

/** Who and what there is to try with. */
export interface Demo {
  users: DemoUser[];
  canvas_id: string;
}

export interface ScreenContent {
  api: string;
  realtime: string;
  console: string | undefined;
  metrics: string[];
  /** None where the sign-in is somebody else's Supabase. */
  demo: Demo | undefined;
  detached: boolean;
}

/** What `npm start` ends with. Every line to try works pasted as it is. */
export function renderScreen({ api, realtime, console, metrics, demo, detached }: ScreenContent): string {
  const rows: [string, string][] = [
    ['API', api],
    ['Reference', `${api}/docs`],
    ...(console ? consoleRows(console) : []),
    ['WebSocket', `${realtime.replace(/^http/, 'ws')}/ws/canvas/{id}`],
    ['Metrics', metrics.join('\n             ')],
  ];
  return [
    '',
    'Potentia is running',
    '',
    ...rows.map(([label, text]) => `  ${label.padEnd(10)} ${text}`),
    '',
    ...(demo?.users ?? []).flatMap((user) => [
      `  ${user.name}   ${user.email}   password ${user.password}`,
      `  token ${user.access_token}`,
      '',
    ]),
    ...tryLines(api, demo),
    `  Logs: .local/log   ${detached ? 'npm run status, npm run stop' : 'Ctrl-C stops everything'}`,
    '',
    '',
  ].join('\n');
}

const consoleRows = (console: string): [string, string][] => [
  ['Console', `${console}/   two people on one canvas`],
  ['WhatsApp', `${console}/whatsapp.html   phones to link and to write with`],
];

function tryLines(api: string, demo: Demo | undefined): string[] {
  const [one, two] = demo?.users ?? [];
  if (!demo || !one || !two) return [];
  const canvas = `${api}/api/v1/canvases/${demo.canvas_id}`;
  const mutation = {
    mutation_id: crypto.randomUUID(),
    ops: [{ op: 'create', type: 'text', content: { text: 'Hello from curl' } }],
  };
  const json = (body: object): string => `-H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  const order = { content: 'remind me every weekday at 8 to stretch' };
  return [
    '  To try:',
    `  curl -s -H '@${one.header_file}' ${api}/api/v1/canvases`,
    `  curl -s -H '@${one.header_file}' ${json(mutation)} ${canvas}/mutate`,
    `  curl -s -H '@${two.header_file}' ${canvas}/export`,
    `  curl -s -H '@${one.header_file}' ${json(order)} ${api}/api/v1/chat/turns`,
    '',
  ];
}

/** Rows under their headings, in columns as wide as they need. */
export function renderTable(headings: string[], rows: string[][]): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
