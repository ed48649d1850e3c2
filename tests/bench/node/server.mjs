// SPDX-License-Identifier: Apache-2.0
// node-oidc-provider with its in-memory adapter, set up to give the answers that ours gives: ES256,
// rotation, refresh tokens, introspection, access tokens as JWTs where `resource` is asked for.
//
//   server.mjs CONFIG.json      {"machine": CLIENT, "web": CLIENT}; prints its port, serves until
//                               its standard input ends
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const RESOURCE = 'https://api.example';
const clients = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

const server = createServer();
server.keepAliveTimeout = 600_000;
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: Object.values(clients),
  jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256', kid: 'bench' }] },
  cookies: { keys: ['for measurements only'] },
  clientAuthMethods: ['client_secret_basic'],
  conformIdTokenClaims: true,
  claims: { openid: ['sub'], profile: ['name'] },
  scopes: ['openid', 'offline_access', 'profile'],
  rotateRefreshToken: true,
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, name: id }) }),
  // Consent is given, as by the legal basis of our measured client.
  loadExistingGrant: async (ctx) => {
    const known = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
    if (known) return ctx.oidc.provider.Grant.find(known);
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid profile');
    grant.addResourceScope(RESOURCE, 'api');
    await grant.save();
    return grant;
  },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: async () => true,
      getResourceServerInfo: async () => ({
        scope: 'api', audience: RESOURCE, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
    },
  },
  ttl: { AccessToken: 600, ClientCredentials: 600, IdToken: 600, RefreshToken: 86400, Session: 86400,
         Grant: 86400, Interaction: 600, AuthorizationCode: 60 },
});
server.on('request', provider.callback());
console.log(port);
process.stdin.resume().on('end', () => process.exit(0));
