// SPDX-License-Identifier: Apache-2.0
// openid-client, a certified relying party that we did not write, against the running demo:
// discovery, code + PKCE, userinfo, refresh, client credentials, RP-initiated logout; and it refuses
// answers that were deliberately spoilt on their way.
//   node openid_client.mjs build/demo/demo.json
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as client from 'openid-client';
import { Browser } from './browser.mjs';

const demo = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const version = createRequire(import.meta.url)('openid-client/package.json').version;
const person = demo.users[0];
let passed = 0, failed = 0;

async function check(name, run) {
  try {
    await run();
    passed++;
    console.log(`ok openid-client ${name}`);
  } catch (e) {
    failed++;
    console.log(`FAIL openid-client ${name}: ${e.code ?? ''} ${e.message} ${e.cause ? JSON.stringify(e.cause) : ''}`);
  }
}

function expect(condition, what) {
  if (!condition) throw new Error(what);
}

// `prepare` must succeed; what it gives is handed to `attempt`, which must fail for the reason that is
// named: a fault on the way there is no refusal.
async function refuses(name, reason, prepare, attempt) {
  await check(`refuses ${name}`, async () => {
    const given = await prepare();
    let answer;
    try {
      answer = await attempt(given);
    } catch (e) {
      const said = [e.code, e.error, e.message, e.cause?.message].filter(Boolean).join(' ');
      expect(reason.test(said), `refused for another reason: ${said}`);
      return;
    }
    throw new Error(`accepted: ${JSON.stringify(answer)}`);
  });
}

async function signOn(browser, config, redirectUri, scope, extra = {}) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
  };
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri, scope, state: checks.expectedState, nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256', ...extra,
  });
  let page = await browser.go(url.href, redirectUri);
  if (page.text.includes('type="password"')) {
    page = await browser.submit(page, { username: person.username, password: person.password }, redirectUri);
  }
  if (page.text.includes('id="consent"')) page = await browser.submit(page, { decision: 'allow' }, redirectUri);
  expect(page.at.startsWith(redirectUri), `back at the relying party: ${page.status} ${page.at}`);
  return { url: new URL(page.at), checks };
}

// A fetch that spoils what comes from one endpoint.
function spoiling(path, change) {
  return async (url, options) => {
    const answer = await fetch(url, options);
    if (!new URL(url).pathname.endsWith(path)) return answer;
    const body = await answer.json();
    return new Response(JSON.stringify(change(body)), { status: answer.status, headers: { 'content-type': 'application/json' } });
  };
}

async function configure(id, fetcher) {
  const metadata = demo.clients.find((c) => c.client_id === id);
  const auth = metadata.client_secret ? client.ClientSecretBasic(metadata.client_secret) : client.None();
  const options = { execute: demo.issuer.startsWith('http://') ? [client.allowInsecureRequests] : [] };
  if (fetcher) options[client.customFetch] = fetcher;
  const config = await client.discovery(new URL(demo.issuer), id, metadata, auth, options);
  client.enableNonRepudiationChecks(config); // verify ID token signatures too
  return { config, redirectUri: metadata.redirect_uris?.[0], logoutUri: metadata.post_logout_redirect_uris?.[0] };
}

console.log(`openid-client ${version}`);
const browser = new Browser();
const rp = await configure('demo-rp');
const scope = 'openid profile email offline_access';
let tokens;

await check('discovers the provider', async () => {
  const server = rp.config.serverMetadata();
  expect(server.issuer === demo.issuer, server.issuer);
  expect(server.code_challenge_methods_supported.includes('S256'), 'S256');
});
await check('code flow with PKCE, state, nonce and iss', async () => {
  const { url, checks } = await signOn(browser, rp.config, rp.redirectUri, scope, { prompt: 'consent' });
  tokens = await client.authorizationCodeGrant(rp.config, url, checks);
  expect(tokens.claims().sub, 'sub');
  expect(tokens.refresh_token, 'refresh_token');
});
await check('userinfo of the same subject', async () => {
  const info = await client.fetchUserInfo(rp.config, tokens.access_token, tokens.claims().sub);
  expect(info.name === person.name, JSON.stringify(info));
});
await check('refresh', async () => {
  const fresh = await client.refreshTokenGrant(rp.config, tokens.refresh_token);
  expect(fresh.refresh_token && fresh.refresh_token !== tokens.refresh_token, 'a new refresh token');
  expect(fresh.claims().sub === tokens.claims().sub, 'the same subject');
  tokens = Object.assign(fresh, { id_token: fresh.id_token ?? tokens.id_token });
});
await check('a public client with PKCE, silently', async () => {
  const app = await configure('demo-public');
  const { url, checks } = await signOn(browser, app.config, app.redirectUri, 'openid profile');
  const own = await client.authorizationCodeGrant(app.config, url, checks);
  expect(own.claims().sub !== tokens.claims().sub, 'another sector, another sub');
});
await check('client credentials', async () => {
  const machine = await configure('demo-machine');
  const own = await client.clientCredentialsGrant(machine.config);
  expect(own.access_token && !own.refresh_token && !own.id_token, 'an access token alone');
});

const answered = (party) => async () => ({ party, ...await signOn(browser, party.config, party.redirectUri, scope) });
const redeem = ({ party, url, checks }) => client.authorizationCodeGrant(party.config, url, checks);

await refuses('an answer whose iss was changed', /"iss"|issuer/, answered(rp), (given) => {
  given.url.searchParams.set('iss', 'https://evil.example');
  return redeem(given);
});
await refuses('an answer without iss', /"iss"/, answered(rp), (given) => {
  given.url.searchParams.delete('iss');
  return redeem(given);
});
await refuses('an answer to another state', /"state"/, answered(rp), (given) => {
  given.checks.expectedState = client.randomState();
  return redeem(given);
});
await refuses('an ID token with another nonce', /"nonce"/, answered(rp), (given) => {
  given.checks.expectedNonce = client.randomNonce();
  return redeem(given);
});
await refuses('a code with another PKCE verifier', /invalid_grant/, answered(rp), (given) => {
  given.checks.pkceCodeVerifier = client.randomPKCECodeVerifier();
  return redeem(given);
});
await refuses('an ID token whose payload was changed', /signature/, answered(await configure('demo-rp', spoiling('/token', (body) => {
  const [header, payload, signature] = body.id_token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  claims.sub = 'somebody-else';
  return { ...body, id_token: [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.') };
}))), redeem);
await refuses('userinfo of another subject', /"sub"/,
  () => configure('demo-rp', spoiling('/userinfo', (body) => ({ ...body, sub: 'somebody-else' }))),
  (spoilt) => client.fetchUserInfo(spoilt.config, tokens.access_token, tokens.claims().sub));
await check('and takes the same answer unspoilt', async () => redeem(await answered(rp)()));

await check('RP-initiated logout ends the session', async () => {
  const url = client.buildEndSessionUrl(rp.config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: rp.logoutUri, state: 'bye' });
  let page = await browser.go(url.href, rp.logoutUri);
  if (page.text.includes('id="logout"')) page = await browser.submit(page, { decision: 'allow' }, rp.logoutUri);
  expect(page.at.startsWith(rp.logoutUri) && new URL(page.at).searchParams.get('state') === 'bye', page.at);
  const after = await browser.go(new URL('/account', demo.issuer).href);
  expect(after.text.includes('type="password"'), 'the account page asks for sign-in');
});

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
