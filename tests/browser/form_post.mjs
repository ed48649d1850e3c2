// SPDX-License-Identifier: Apache-2.0
// OAuth 2.0 Form Post Response Mode in Chromium: with scripts the form goes off by itself under the
// page's own content security policy, without them by its button; another script would not run.
//
// usage: node form_post.mjs build/demo/demo.json

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { launch, open } from './lib/browser.mjs';
import { check_page } from './lib/page_checks.mjs';
import { check, finish, step } from './lib/report.mjs';

const demo = JSON.parse(readFileSync(process.argv[2] ?? 'build/demo/demo.json', 'utf8'));
const client = demo.clients.find((c) => c.client_id === 'demo-rp');
const redirect = client.redirect_uris[0];
const person = demo.users[0];
const STATE = '"><script>alert(1)</script>&amp;';
const complaints = [];
const browser = await launch();

// Signs on; what was posted to the relying party, which this test plays. `meanwhile` looks at the page.
async function sign_on(javaScriptEnabled, meanwhile = async () => {}) {
  const page = await open(browser, { javaScriptEnabled }, complaints);
  let arrived;
  const posted = new Promise((resolve) => { arrived = resolve; });
  await page.route(`${redirect}**`, async (route) => {
    arrived({ method: route.request().method(), fields: new URLSearchParams(route.request().postData() ?? '') });
    await route.fulfill({ status: 200, contentType: 'text/html', body: '<!DOCTYPE html><title>RP</title>' });
  });
  const query = new URLSearchParams({
    client_id: client.client_id, redirect_uri: redirect, response_type: 'code', scope: 'openid', state: STATE, response_mode: 'form_post',
    code_challenge: createHash('sha256').update('v'.repeat(43)).digest('base64url'), code_challenge_method: 'S256', prompt: 'consent',
  });
  await page.goto(`${demo.issuer}/authorize?${query}`);
  await page.fill('input[name=username]', person.username);
  await page.fill('input[name=password]', person.password);
  await page.click('form:has(input[type=password]) button[type=submit]');
  const answered = page.waitForResponse((r) => r.url().endsWith('/consent'));
  await page.click('#consent button[value=allow]');
  const policy = (await answered).headers()['content-security-policy'];
  await meanwhile(page);
  const result = await posted;
  await page.context().close();
  return { ...result, policy };
}

function is_answer({ method, fields }) {
  return method === 'POST' && fields.get('code') && fields.get('iss') === demo.issuer && fields.get('state') === STATE;
}

await step('with scripts', async () => {
  const answer = await sign_on(true);
  check(is_answer(answer), 'with scripts the answer is posted by itself', JSON.stringify([...answer.fields]));
  check(/script-src 'sha256-[A-Za-z0-9+/]{43}='(;|$)/.test(answer.policy), 'A11 the policy allows one script by its hash', answer.policy);
});
await step('without scripts', async () => {
  const answer = await sign_on(false, async (page) => {
    await page.waitForLoadState('load');
    await check_page(page, 'form_post: the page is sound', { lang: 'vi' });
    check((await page.locator('script').count()) === 1, 'A11 a state with markup adds no element');
    await page.click('main button[type=submit]');
  });
  check(is_answer(answer), 'without scripts the button posts the answer');
});
check(complaints.length === 0, 'the browser has nothing to complain about', complaints.join(' | '));
await browser.close();
finish();
