// SPDX-License-Identifier: Apache-2.0
// node-oidc-provider as an upstream provider: in-memory adapter, a sign-in of its own that agrees at
// once to the person it is told of, back-channel logout, levels.
//
//   server.mjs CONFIG.json      {"clients": [METADATA], "people": {"NAME": CLAIMS}}; prints its port,
//                               serves until its standard input ends
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const { clients, people } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const LEVELS = ['urn:example:loa:1', 'urn:example:loa:2'];

const server = createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://localhost:${server.address().port}`;

const provider = new Provider(issuer, {
  clients,
  jwks: { keys: [{ ...rsa, use: 'sig', alg: 'RS256', kid: 'upstream' }] },
  cookies: { keys: ['for tests only'] },
  claims: {
    openid: ['sub', 'TechID', 'SoDinhDanh', 'HoVaTen', 'NgayThangNamSinh', 'LoaiTaiKhoan'],
    profile: ['name', 'birthdate'], acr: null, auth_time: null, sid: null,
  },
  conformIdTokenClaims: false, // the claims of its scopes are in the ID token too
  acrValues: LEVELS,
  findAccount: async (ctx, id) => people[id] && { accountId: id, claims: async () => ({ sub: id, ...people[id] }) },
  interactions: { url: (ctx, interaction) => `/sign-in/${interaction.uid}` },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }), // logout tokens go to loopback
  pkce: { required: () => false },
  ttl: { AccessToken: 600, IdToken: 600, Session: 3600, Grant: 3600, Interaction: 600, AuthorizationCode: 60 },
});

// GET: a form with the names; POST choose=NAME: signed in, and everything asked for is agreed to.
async function signIn(request, response) {
  const details = await provider.interactionDetails(request, response);
  const chosen = new URLSearchParams(await text(request)).get('choose') ?? '';
  if (!people[chosen]) {
    const buttons = Object.keys(people).map((name) => `<button name="choose" value="${name}">${name}</button>`);
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end(`<title>Upstream</title><form id="upstream" method="post" action="${request.url}">${buttons.join('')}</form>`);
    return;
  }
  const grant = new provider.Grant({ accountId: chosen, clientId: details.params.client_id });
  grant.addOIDCScope(details.params.scope ?? 'openid');
  const acr = people[chosen].acr ?? LEVELS[1];
  await provider.interactionFinished(request, response, {
    login: { accountId: chosen, acr, amr: ['pwd', 'otp'] }, consent: { grantId: await grant.save() } });
}

async function text(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

const callback = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/sign-in/')) return callback(request, response);
  return signIn(request, response).catch((error) => { response.writeHead(500); response.end(String(error)); });
});
console.log(server.address().port);
process.stdin.resume().on('end', () => process.exit(0));
