// SPDX-License-Identifier: Apache-2.0
// oauth4webapi, which follows the specifications message by message, against the running demo: metadata
// of both kinds, code + PKCE by a public client, userinfo, refresh, client credentials; and it refuses
// answers that were spoilt on their way.
//   node oauth4webapi.mjs build/demo/demo.json
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as oauth from 'oauth4webapi';
import { Browser } from './browser.mjs';

const demo = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const manifest = createRequire(import.meta.url).resolve('oauth4webapi').replace(/build\/.*$/, 'package.json');
const version = JSON.parse(readFileSync(manifest, 'utf8')).version;
const issuer = new URL(demo.issuer);
const http = { [oauth.allowInsecureRequests]: issuer.protocol === 'http:' };
const scope = 'openid profile email offline_access';
let passed = 0, failed = 0;

async function check(name, run) {
  try {
    await run();
    passed++;
    console.log(`ok oauth4webapi ${name}`);
  } catch (e) {
    failed++;
    console.log(`FAIL oauth4webapi ${name}: ${e.code ?? ''} ${e.message} ${e.cause ? JSON.stringify(e.cause) : ''}`);
  }
}

function expect(condition, what) {
  if (!condition) throw new Error(what);
}

async function refuses(name, reason, run) {
  await check(`refuses ${name}`, async () => {
    let answer;
    try {
      answer = await run();
    } catch (e) {
      const said = [e.code, e.error, e.message].filter(Boolean).join(' ');
      expect(reason.test(said), `refused for another reason: ${said}`);
      return;
    }
    throw new Error(`accepted: ${JSON.stringify(answer)}`);
  });
}

const find = (id) => demo.clients.find((c) => c.client_id === id);
const pub = find('demo-public'), machine = find('demo-machine');
const browser = new Browser();
let server;

// ---- one sign-on by the public client, up to the answer at its redirect URI ----

async function answered() {
  const verifier = oauth.generateRandomCodeVerifier(), state = oauth.generateRandomState(), nonce = oauth.generateRandomNonce();
  const url = new URL(server.authorization_endpoint);
  for (const [name, value] of Object.entries({
    client_id: pub.client_id, redirect_uri: pub.redirect_uris[0], response_type: 'code', scope, state, nonce, prompt: 'consent',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })) url.searchParams.set(name, value);
  let page = await browser.go(url.href, pub.redirect_uris[0]);
  if (page.text.includes('type="password"')) {
    page = await browser.submit(page, { username: demo.users[0].username, password: demo.users[0].password }, pub.redirect_uris[0]);
  }
  if (page.text.includes('id="consent"')) page = await browser.submit(page, { decision: 'allow' }, pub.redirect_uris[0]);
  expect(page.at.startsWith(pub.redirect_uris[0]), `${page.status} ${page.at}`);
  return { url: new URL(page.at), verifier, state, nonce };
}

const client = { client_id: pub.client_id };

async function redeem({ url, verifier, state, nonce }, change = (body) => body) {
  const params = oauth.validateAuthResponse(server, client, url, state);
  const answer = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), params, pub.redirect_uris[0], verifier, http);
  const body = change(await answer.clone().json());
  const spoilt = new Response(JSON.stringify(body), { status: answer.status, headers: { 'content-type': 'application/json' } });
  const tokens = await oauth.processAuthorizationCodeResponse(
    server, { ...client, id_token_signed_response_alg: pub.id_token_signed_response_alg }, spoilt, { expectedNonce: nonce });
  await oauth.validateApplicationLevelSignature(server, spoilt, http);
  return { ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
}

console.log(`oauth4webapi ${version}`);
await check('reads OpenID Connect discovery', async () => {
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...http, algorithm: 'oidc' }));
  expect(server.authorization_response_iss_parameter_supported === true, 'iss in answers is announced');
});
await check('reads RFC 8414 metadata', async () => {
  const other = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...http, algorithm: 'oauth2' }));
  expect(other.token_endpoint === server.token_endpoint, other.token_endpoint);
});
let tokens;
await check('public client: code, PKCE, nonce, ID token signature', async () => {
  tokens = await redeem(await answered());
  expect(tokens.claims.sub && tokens.refresh_token, JSON.stringify(tokens));
});
await check('userinfo of the expected subject', async () => {
  const info = await oauth.processUserInfoResponse(server, client, tokens.claims.sub,
    await oauth.userInfoRequest(server, client, tokens.access_token, http));
  expect(info.name === demo.users[0].name, JSON.stringify(info));
});
await check('refresh by a public client', async () => {
  const fresh = await oauth.processRefreshTokenResponse(server, client,
    await oauth.refreshTokenGrantRequest(server, client, oauth.None(), tokens.refresh_token, http));
  expect(fresh.refresh_token !== tokens.refresh_token, 'rotated');
});
await check('client credentials', async () => {
  const own = { client_id: machine.client_id };
  const answer = await oauth.processClientCredentialsResponse(server, own, await oauth.clientCredentialsGrantRequest(
    server, own, oauth.ClientSecretBasic(machine.client_secret), new URLSearchParams(), http));
  expect(answer.access_token && !answer.id_token, JSON.stringify(answer));
});

await refuses('an answer whose iss was changed', /iss/, async () => {
  const given = await answered();
  given.url.searchParams.set('iss', 'https://evil.example');
  return redeem(given);
});
await refuses('a state of another request', /state/, async () => redeem({ ...await answered(), state: oauth.generateRandomState() }));
await refuses('an ID token with another nonce', /nonce/, async () => redeem({ ...await answered(), nonce: oauth.generateRandomNonce() }));
await refuses('an ID token whose payload was changed', /signature/i, async () => redeem(await answered(), (body) => {
  const [header, payload, signature] = body.id_token.split('.');
  const claims = { ...JSON.parse(Buffer.from(payload, 'base64url')), sub: 'somebody-else' };
  return { ...body, id_token: [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.') };
}));
await refuses('userinfo of another subject', /sub/, async () => oauth.processUserInfoResponse(server, client, 'somebody-else',
  await oauth.userInfoRequest(server, client, (await redeem(await answered())).access_token, http)));
await refuses('a replayed code, since the provider does', /invalid_grant/, async () => {
  const given = await answered();
  await redeem(given);
  return redeem(given);
});

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
