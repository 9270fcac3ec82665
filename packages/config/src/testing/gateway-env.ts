/** Secrets that the services of tests share with each other. */
export const GATEWAY_SECRETS = {
  SERVICE_JWT_SECRETS: 'of-tests-alone-with-32-characters',
  WORKER_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 9).toString('base64')}`,
};
