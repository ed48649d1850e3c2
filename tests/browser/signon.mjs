// SPDX-License-Identifier: Apache-2.0
// One person, one sign-in, two portals: the running demo as a citizen meets it in Chromium, with
// JavaScript off. Screenshots go to build/screenshots.
//
// usage: node signon.mjs build/demo/demo.json [SCREENSHOT_FOLDER]

import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DESKTOP, PHONE, launch, open } from './lib/browser.mjs';
import { check_focus, check_page } from './lib/page_checks.mjs';
import { check, finish, step } from './lib/report.mjs';

const demo = JSON.parse(readFileSync(process.argv[2] ?? 'build/demo/demo.json', 'utf8'));
const shots = process.argv[3] ?? join(dirname(process.argv[2] ?? 'build/demo/x'), '..', 'screenshots');
const [first, second] = demo.portals.filter((portal) => !portal.protocol || portal.protocol === 'oidc');
const person = demo.users[0];
const other = demo.users[1] ?? person;
const complaints = [];

mkdirSync(shots, { recursive: true });
const browser = await launch();

const shoot = (page, name) => page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
const password_fields = (page) => page.locator('input[type=password]').count();
const at = (page, url) => page.url().startsWith(url);
const greeting = async (page) => ((await page.locator('#greeting').count()) ? page.textContent('#greeting') : '');

async function fill_in(page, who, password = who.password) {
  await page.fill('input[name=username]', who.username);
  await page.fill('input[name=password]', password);
  await page.click('form:has(input[type=password]) button[type=submit]');
}

async function allow(page) {
  if (await page.locator('#consent').count()) await page.click('#consent button[value=allow]');
}

async function sign_in(page, portal, who) {
  await page.goto(portal.url);
  await page.click('#sign-in');
  await fill_in(page, who);
  await allow(page);
}

// The whole way of one person, on one size of screen.
async function whole_journey(name, viewport) {
  const page = await open(browser, { viewport }, complaints);
  const shot = (what) => shoot(page, `${what}.${name}`);

  await step(`${name}: portal 1 before sign-in`, async () => {
    await page.goto(first.url);
    await check_page(page, `${name}: portal 1 is sound`, { lang: 'vi' });
    check(!(await greeting(page)), `${name}: portal 1 does not know the person`);
    await shot('1-portal');
  });
  await step(`${name}: the provider's form`, async () => {
    await page.click('#sign-in');
    check(at(page, demo.issuer), `${name}: portal 1 sends to the provider`, page.url());
    check((await password_fields(page)) === 1, `${name}: one password field`);
    await check_page(page, `${name}: sign-in page is sound`, { lang: 'vi' });
    await shot('2-sign-in');
  });
  await step(`${name}: a wrong password`, async () => {
    await fill_in(page, person, `${person.password}-not`);
    check((await page.locator('[role=alert]').count()) === 1, `${name}: a wrong password is told`);
    check((await page.inputValue('#username')) === person.username, `${name}: the user name is kept`);
    check((await page.inputValue('#password')) === '', `${name}: the password is not`);
    await check_page(page, `${name}: sign-in page with error is sound`, { lang: 'vi' });
    await shot('3-sign-in-wrong');
  });
  await step(`${name}: the right password`, async () => {
    await fill_in(page, person);
    if (await page.locator('#consent').count()) {
      await check_page(page, `${name}: consent page is sound`, { lang: 'vi' });
      await shot('4-consent');
    }
    await allow(page);
    check(at(page, first.url), `${name}: back at portal 1`, page.url());
    check((await greeting(page)).includes(person.name), `${name}: portal 1 knows the person`, await greeting(page));
    await check_page(page, `${name}: portal 1 signed in is sound`, { lang: 'vi' });
    await shot('5-portal-signed-in');
  });
  await step(`${name}: portal 2`, async () => {
    await page.goto(second.url);
    let forms = 0;
    page.on('load', async () => { forms += await password_fields(page).catch(() => 0); });
    if (await page.locator('#sign-in').count()) await page.click('#sign-in');
    check((await password_fields(page)) === 0, `${name}: no second form`);
    await allow(page);
    check(at(page, second.url) && (await greeting(page)).includes(person.name), `${name}: portal 2 knows the person`, page.url());
    check(forms === 0, `${name}: no password was asked on the way`);
    await shot('6-portal-2');
  });
  await step(`${name}: account page`, async () => {
    await page.goto(`${demo.issuer}/account`);
    check((await page.textContent('h1')).includes(person.name), `${name}: the account page knows the person`);
    check((await page.locator('.session-current').count()) === 1, `${name}: this session is listed and marked`);
    const services = await page.textContent('.session-current');
    check(demo.clients.filter((c) => services.includes(c.client_name)).length >= 2, `${name}: both portals are named`, services.replace(/\s+/g, ' '));
    await check_page(page, `${name}: account page is sound`, { lang: 'vi' });
    await shot('7-account');
    const offers = page.locator('.offers a');
    check((await offers.count()) === demo.portals.length, `${name}: all portals are offered`);
    await offers.first().click();
    check(await page.locator('#sign-out').count() === 1 && demo.portals.some((p) => at(page, p.url)), `${name}: one click leads into one`, page.url());
    await page.goto(`${demo.issuer}/account`);
    await page.click('a[href="/account/password"]');
    await check_page(page, `${name}: password page is sound`, { lang: 'vi' });
    await shot('8-password');
  });
  await step(`${name}: sign-out`, async () => {
    await page.goto(first.url);
    await page.click('#sign-out button');
    if (await page.locator('form#logout').count()) {
      await check_page(page, `${name}: sign-out page is sound`);
      await shot('9-sign-out');
      await page.click('form#logout button[value=allow]');
    }
    await shot('10-signed-out');
    await page.goto(first.url);
    check(!(await greeting(page)), `${name}: portal 1 has forgotten the person`);
    await page.goto(`${demo.issuer}/account`);
    check((await password_fields(page)) === 1, `${name}: the provider has, too`);
  });
  await page.context().close();
}

async function press_until(page, selector) {
  for (let i = 0; i < 40; i += 1) {
    if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return true;
    await page.keyboard.press('Tab');
  }
  return false;
}

async function keyboard_only() {
  const page = await open(browser, {}, complaints);
  await page.goto(first.url);
  check(await press_until(page, '#sign-in'), 'keyboard: the button is reached');
  await page.keyboard.press('Enter');
  await page.waitForSelector('input[type=password]');
  await page.keyboard.press('Tab');
  check(await page.evaluate(() => document.activeElement.matches('a.skip')), 'keyboard: the skip link comes first');
  check(await press_until(page, '#username'), 'keyboard: the user name is reached');
  await page.keyboard.type(other.username);
  await page.keyboard.press('Tab');
  await page.keyboard.type(other.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#greeting, #consent');
  if (await page.locator('#consent').count()) {
    check(await press_until(page, '#consent button[value=allow]'), 'keyboard: consent is reached');
    await page.keyboard.press('Enter');
  }
  await page.waitForSelector('#greeting');
  check((await greeting(page)).includes(other.name), 'keyboard: signed in');
  await check_focus(page, 'keyboard: every stop at the portal is visible');
  await page.goto(`${demo.issuer}/account`);
  await check_focus(page, 'keyboard: every stop of the account page is visible');
  await page.context().close();
}

async function languages() {
  const page = await open(browser, { locale: 'vi-VN' }, complaints);
  await page.goto(first.url);
  await page.click('#sign-in');
  await page.click('nav a[lang=en]');
  await check_page(page, 'language: the switch gives English', { lang: 'en' });
  check((await page.textContent('h1')).includes('Sign in'), 'language: the heading is English');
  await page.click('nav a[lang=vi]');
  check((await page.getAttribute('html', 'lang')) === 'vi', 'language: and back');
  await page.click('nav a[lang=en]');
  await fill_in(page, person, 'certainly wrong');
  check((await page.getAttribute('html', 'lang')) === 'en', 'language: the choice holds after a form');
  await fill_in(page, person);
  await allow(page);
  check((await greeting(page)).includes(person.name), 'language: the sign-in survives the switch');
  await page.context().close();

  const english = await open(browser, { locale: 'en-GB' }, complaints);
  await english.goto(`${demo.issuer}/account`);
  check((await english.getAttribute('html', 'lang')) === 'en', 'language: Accept-Language is heard');
  await english.context().close();
}

async function errors() {
  const page = await open(browser, {}, complaints);
  const answer = await page.goto(`${demo.issuer}/authorize?client_id=nobody&response_type=code`);
  check(answer.status() === 400 && at(page, demo.issuer), 'error: an unknown client stays here');
  await check_page(page, 'error: the page is sound', { lang: 'vi' });
  check((await page.locator('code').count()) === 1, 'error: the request id is shown');
  await shoot(page, '11-error.desktop');
  const missing = await page.goto(`${demo.issuer}/no-such-page`);
  check(missing.status() === 404, 'error: an unknown page is 404');
  await check_page(page, 'error: 404 is sound');
  await page.context().close();
}

async function headers() {
  const page = await open(browser, {}, complaints);
  const answer = await page.goto(`${demo.issuer}/account`);
  const policy = answer.headers()['content-security-policy'] ?? '';
  check(policy.includes("default-src 'none'") && !policy.includes('unsafe'), 'headers: strict content policy', policy);
  check((answer.headers()['cache-control'] ?? '').includes('no-store'), 'headers: pages are not stored');
  const css = await page.getAttribute('link[rel=stylesheet]', 'href');
  const style = await page.request.get(new URL(css, demo.issuer).href);
  check(style.ok() && style.headers()['cache-control']?.includes('immutable'), 'headers: the style sheet is kept for good');
  await page.context().close();
}

async function end_one_session() {
  const here = await open(browser, {}, complaints);
  const there = await open(browser, {}, complaints);
  await sign_in(here, first, other);
  await sign_in(there, first, other);
  await here.goto(`${demo.issuer}/account`);
  check((await here.locator('.session').count()) >= 2, 'sessions: two are listed');
  await here.click('form:has(input[value=others]) button');
  check((await here.locator('[role=status]').count()) === 1, 'sessions: the end is confirmed');
  check((await here.locator('.session').count()) === 1, 'sessions: one is left');
  await there.goto(`${demo.issuer}/account`);
  check((await password_fields(there)) === 1, 'sessions: the other one is over');
  await here.context().close();
  await there.context().close();
}

await step('desktop', () => whole_journey('desktop', DESKTOP));
await step('phone', () => whole_journey('phone', PHONE));
await step('keyboard', keyboard_only);
await step('languages', languages);
await step('errors', errors);
await step('headers', headers);
await step('sessions', end_one_session);
check(complaints.length === 0, 'the browser complains about nothing', complaints.slice(0, 3).join(' | '));
await browser.close();
finish();
