// Plain JavaScript, as hand-over.mjs: whoever asks for help has installed nothing yet.

/** What listens where: the variable that moves it (or `--<name>-port`), and the port unless it does. */
export const PORTS = /** @type {const} */ ({
  api: { variable: 'POTENTIA_API_PORT', port: 4000 },
  realtime: { variable: 'POTENTIA_REALTIME_PORT', port: 4001 },
  jobs: { variable: 'POTENTIA_JOBS_PORT', port: 4002 },
  'wa-worker': { variable: 'POTENTIA_WA_WORKER_PORT', port: 4003 },
  sandbox: { variable: 'POTENTIA_SANDBOX_PORT', port: 4010 },
  smtp: { variable: 'POTENTIA_SMTP_PORT', port: 4011 },
  s3: { variable: 'POTENTIA_S3_PORT', port: 4012 },
  whatsapp: { variable: 'POTENTIA_WHATSAPP_PORT', port: 4013 },
  'whatsapp-media': { variable: 'POTENTIA_WHATSAPP_MEDIA_PORT', port: 4014 },
  postgres: { variable: 'POTENTIA_POSTGRES_PORT', port: 25432 },
  redis: { variable: 'POTENTIA_REDIS_PORT', port: 26379 },
});

export const USAGE = `npm start [-- options]
  --detach            leave everything running in the background (npm run status, npm run stop)
${Object.entries(PORTS)
  .map(([name, { variable, port }]) => `  --${`${name}-port`.padEnd(17)} ${port}, or ${variable}`)
  .join('\n')}
Also read from the environment: DATABASE_ADMIN_URL (a superuser of your own Postgres), REDIS_URL, and SUPABASE_URL with
SUPABASE_ANON_KEY and SUPABASE_SERVICE_ROLE_KEY, S3_ENDPOINT with the other S3_* variables,
SMTP_URL with MAIL_FROM and APP_URL, WHATSAPP_WEB_SOCKET_URL (wss://web.whatsapp.com/ws/chat for real phones); what is not
given is run here.`;
