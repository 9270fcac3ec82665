import { serviceTokenVariables } from '@potentia/config/gateway-variables';
import { API_AUDIENCE, signServiceToken } from '@potentia/domain/platform/service-token';
import { ensureSecrets } from './secrets.ts';

/*
 * `npm run -s service-token`: a token of a minute for what operators ask of the API about workers. It is signed with
 * `SERVICE_JWT_SECRETS` of the shell, or of what `npm start` has started.
 */

const given = process.env['SERVICE_JWT_SECRETS'] ?? (await ensureSecrets()).service_jwt_secret;
const secrets = serviceTokenVariables.SERVICE_JWT_SECRETS.parse(given);
console.log(await signServiceToken(secrets, { issuer: 'operator', audience: API_AUDIENCE }));
