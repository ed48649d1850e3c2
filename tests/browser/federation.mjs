// SPDX-License-Identifier: Apache-2.0
// Signing in through the national portal, as a citizen meets it in Chromium: deep links, the first time
// with an account that was there before, a choice between accounts, an official at the one-stop system,
// the portal being away, and signing out of everything. JavaScript off, and once on. Screenshots go to
// build/screenshots.
//
// usage: node federation.mjs build/demo/demo.json [SCREENSHOT_FOLDER]

import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DESKTOP, NARROW, PHONE, launch, open } from './lib/browser.mjs';
import { check_focus, check_page as check_loaded } from './lib/page_checks.mjs';
import { check, finish, step } from './lib/report.mjs';

const demo = JSON.parse(readFileSync(process.argv[2] ?? 'build/demo/demo.json', 'utf8'));
const shots = process.argv[3] ?? join(dirname(process.argv[2] ?? 'build/demo/x'), '..', 'screenshots');
const national = demo.issuers.national;
const portal = (name) => [...demo.portals, ...demo.national.portals].find((p) => p.name === name).url;
const user = (name) => [...demo.users, ...demo.national.users].find((u) => u.username === name);
const complaints = [];

mkdirSync(shots, { recursive: true });
const browser = await launch();

const shoot = (page, name) => page.screenshot({ path: join(shots, `federation-${name}.png`), fullPage: true });
const at = (page, url) => page.url().startsWith(url);
const text = async (page, selector) => ((await page.locator(selector).count()) ? page.locator(selector).first().textContent() : '');
const greeting = (page) => text(page, '#greeting');
const asks_password = async (page) => (await page.locator('input[type=password]').count()) === 1;

async function check_page(page, name, options) {
  await page.waitForLoadState();
  await check_loaded(page, name, options);
}

// Pages that go on by themselves are not where anybody stays.
const arrived = (page) => page.waitForURL((url) => !/^\/upstream\/(callback|sign-out|signed-out)/.test(url.pathname));

// Every password goes through here: where it was typed, in order.
async function type_password(page, who, typed = [], password = user(who).password) {
  typed.push(new URL(page.url()).origin);
  await page.fill('input[name=username]', who);
  await page.fill('input[name=password]', password);
  await page.click('form:has(input[type=password]) button[type=submit]');
  await arrived(page);
}

// From a portal of the province to the national provider's form.
async function go_national(page, name) {
  await page.goto(portal(name));
  await page.click('#sign-in');
  await page.click('.ways a');
}

// What national portal and province agree on: where a deep link says that it leads.
function facts_of(link) {
  const query = new URL(link).searchParams;
  return ['MaTTHCDP', 'MaCoQuanThucHien', 'MaDVC'].map((name) => `${name}${query.get(name)}`).join('');
}

async function at_procedure(page, link, who, what) {
  check(page.url() === link, `${what}: at exactly the procedure of the link`, page.url());
  check((await text(page, '#link')).replace(/\s+/g, '') === facts_of(link), `${what}: procedure, agency and service are kept`);
  check((await text(page, '#applicant')).includes(user(who).name), `${what}: the person is known`);
}

async function overview(name, view) {
  const page = await open(browser, view, complaints);
  await page.goto(demo.overview);
  await check_page(page, `${name}: overview is sound`, { lang: 'vi' });
  await shoot(page, `overview.${name}`);
  const links = await page.locator('main a').evaluateAll((all) => all.map((a) => a.href));
  for (const url of [portal('national'), ...demo.portals.map((p) => p.url)])
    check(links.includes(`${url}/`), `${name}: the overview links to ${new URL(url).port}`);
  await page.click('nav a[lang=en]');
  await check_page(page, `${name}: overview is sound in English`, { lang: 'en' });
  await page.context().close();
}

// Signed in at the national portal, then its link to a procedure of the province: nothing is asked again.
async function deep_link(name, view) {
  const page = await open(browser, view, complaints), typed = [];
  await page.goto(portal('national'));
  await check_page(page, `${name}: the national portal is sound`, { lang: 'vi' });
  await page.click('#sign-in');
  check(at(page, national), `${name}: its sign-in is the national provider's`, page.url());
  await type_password(page, 'vneid.dung', typed);
  check((await greeting(page)).includes(user('vneid.dung').name), `${name}: signed in at the national portal`);
  await shoot(page, `national.${name}`);
  const link = await page.locator('.services a').first().getAttribute('href');
  check(new URL(link).searchParams.get('vnconnect') === '1', `${name}: the link says vnconnect=1`, link);
  await page.click('.services a');
  await at_procedure(page, link, 'vneid.dung', `${name}: deep link`);
  await check_page(page, `${name}: the procedure page is sound`, { lang: 'vi' });
  await shoot(page, `procedure.${name}`);
  for (const service of ['ministry', 'payment']) {
    await page.goto(`${portal(service)}/sign-in`);
    check(at(page, portal(service)) && (await greeting(page)).includes(user('vneid.dung').name), `${name}: the ${service} portal knows the person`);
  }
  check(typed.length === 1 && typed[0] === national, `${name}: one password, typed at the national provider`, typed.join(' '));
  await page.context().close();
}

// The link itself, by somebody who is signed in nowhere, with a query that has to come back byte for byte.
async function cold_deep_link() {
  const page = await open(browser, {}, complaints), typed = [];
  const link = `${portal('provincial')}/thu-tuc/1.001193?vnconnect=1&MaTTHCDP=1.001193&MaCoQuanThucHien=H23.15&MaDVC=2%2E000528`;
  await page.goto(link);
  check(at(page, national) && (await asks_password(page)), 'cold link: straight to the national provider', page.url());
  await type_password(page, 'vneid.dung', typed);
  await at_procedure(page, link, 'vneid.dung', 'cold link');
  const without = await open(browser, {}, complaints);
  await without.goto(link.replace('vnconnect=1&', ''));
  check(at(without, portal('provincial')) && (await without.locator('#sign-in').count()) === 1, 'without vnconnect=1: the page, and a button');
  await check_page(without, 'without vnconnect=1: the page is sound', { lang: 'vi' });
  const missing = await without.goto(`${portal('provincial')}/thu-tuc/9.999999?vnconnect=1`);
  check(missing.status() === 404, 'a procedure that there is not: 404, and nobody is sent anywhere');
  await page.context().close();
  await without.context().close();
}

// The account was there before: its password, once; afterwards nothing is asked.
async function mapping(name, view, { service, here, there }) {
  const page = await open(browser, view, complaints), typed = [];
  await page.goto(portal(service));
  await page.click('#sign-in');
  await check_page(page, `${name}: sign-in page with the national portal is sound`, { lang: 'vi' });
  await shoot(page, `sign-in.${name}`);
  await page.click('.ways a');
  check(at(page, national), `${name}: the button leads to the national provider`, page.url());
  await check_page(page, `${name}: the national sign-in page is sound`, { lang: 'vi' });
  await shoot(page, `national-sign-in.${name}`);
  await type_password(page, there, typed);
  check(at(page, `${demo.issuer}/upstream/link`) && (await asks_password(page)), `${name}: a proof is asked for`, page.url());
  check((await page.locator('[role=status]').count()) === 1, `${name}: and why`);
  await check_page(page, `${name}: the page of the proof is sound`, { lang: 'vi' });
  await shoot(page, `proof.${name}`);
  await type_password(page, here, [], `${user(here).password}-not`);
  check((await page.locator('[role=alert]').count()) === 1 && (await asks_password(page)), `${name}: a wrong proof is none`);
  await type_password(page, here, typed);
  check(at(page, portal(service)) && (await greeting(page)).includes(user(here).name), `${name}: linked, and known`, page.url());
  check(typed.join() === [national, demo.issuer].join(), `${name}: one password there, one here`, typed.join(' '));
  await page.context().close();

  const again = await open(browser, view, complaints), once = [];
  await go_national(again, service);
  await type_password(again, there, once);
  check(at(again, portal(service)) && (await greeting(again)).includes(user(here).name), `${name}: the second time without a question`, again.url());
  check(once.join() === national, `${name}: one password then`);
  await again.context().close();
}

async function choosing(name, view, { is_first }) {
  const page = await open(browser, view, complaints);
  await go_national(page, 'ministry');
  await type_password(page, 'vneid.binh');
  if (is_first) await type_password(page, 'tran.thi.binh');
  const chosen = async (label) => {
    check(at(page, `${demo.issuer}/upstream/choose`), `${name}: asked for whom`, page.url());
    await check_page(page, `${name}: the choice is sound`, { lang: 'vi' });
    await check_focus(page, `${name}: every stop of the choice is visible`);
    await shoot(page, `choose.${name}`);
    await page.click(`.accounts button:has-text("${label}")`);
    return greeting(page);
  };
  if (is_first) { // nobody is asked in the sign-in that links
    check((await greeting(page)).includes('Trần Thị Bình'), `${name}: linked as herself`, page.url());
    await page.context().clearCookies();
    await go_national(page, 'ministry');
    await type_password(page, 'vneid.binh');
  }
  check((await chosen('Công ty Hải Dương Xanh')).includes('Công ty Hải Dương Xanh'), `${name}: acting for the company`, page.url());
  await page.goto(portal('payment'));
  await page.click('#sign-in');
  check((await greeting(page)).includes('Công ty Hải Dương Xanh'), `${name}: and so at the next portal, unasked`);
  await page.context().clearCookies();
  await go_national(page, 'ministry');
  await type_password(page, 'vneid.binh');
  check((await chosen('Trần Thị Bình')).includes('Trần Thị Bình'), `${name}: or for herself`, page.url());
  await page.context().close();
}

// A password gives level 1; the one-stop system wants 2.
async function official() {
  const page = await open(browser, {}, complaints);
  await page.goto(portal('onestop'));
  await page.click('#sign-in');
  await type_password(page, 'pham.quoc.cuong');
  check(!(await greeting(page)) && at(page, demo.issuer), 'official: a password alone does not lead in', page.url());
  await check_page(page, 'official: the page that says so is sound', { lang: 'vi' });
  await shoot(page, 'level-too-low.desktop');
  await page.click('.ways a');
  await type_password(page, 'vneid.cuong');
  check(at(page, portal('onestop')) && (await greeting(page)).includes('Phạm Quốc Cường'), 'official: through the national portal', page.url());
  check((await text(page, '#claims')).includes('H23.15'), 'official: with the agency');
  await page.context().close();
}

async function sign_out_everywhere() {
  const page = await open(browser, {}, complaints);
  await go_national(page, 'provincial');
  await type_password(page, 'vneid.dung');
  await page.goto(`${national}/account`);
  check(!(await asks_password(page)), 'sign-out: there was a session at the national provider');
  await page.goto(portal('provincial'));
  await page.click('#sign-out button');
  await arrived(page);
  check(at(page, `${portal('provincial')}/signed-out`), 'sign-out: ends at the portal', page.url());
  for (const [where, url] of [['the province', demo.issuer], ['the national provider', national]]) {
    await page.goto(`${url}/account`);
    check(await asks_password(page), `sign-out: ${where} has forgotten the person`);
  }
  await page.context().close();
}

// The national provider hangs: people are told, go on with what they have here, and it recovers by itself.
async function degraded() {
  const page = await open(browser, {}, complaints);
  page.context().setDefaultTimeout(20000);
  process.kill(demo.pids['idpd-national'], 'SIGSTOP');
  try {
    await new Promise((done) => { setTimeout(done, 2500); }); // longer than check_after
    await page.goto(portal('provincial'));
    await page.click('#sign-in');
    await page.click('.ways a');
    check(at(page, demo.issuer) && (await asks_password(page)), 'away: the sign-in page comes back', page.url());
    check((await text(page, '[role=alert]')).includes('Cổng Dịch vụ công quốc gia'), 'away: and says who does not answer');
    await check_page(page, 'away: the page is sound', { lang: 'vi' });
    await shoot(page, 'away.desktop');
    const other = await open(browser, { viewport: PHONE }, complaints);
    await other.goto(portal('provincial'));
    await other.click('#sign-in');
    check((await other.locator('.ways [role=status]').count()) === 1, 'away: the next person reads it on the page');
    await check_page(other, 'away: that page is sound', { lang: 'vi' });
    await shoot(other, 'away.phone');
    await other.context().close();
    await type_password(page, 'nguyen.van.an');
    check((await greeting(page)).includes('Nguyễn Văn An'), 'away: the local way leads on', page.url());
    const deep = await open(browser, {}, complaints);
    await deep.goto(`${portal('provincial')}/thu-tuc/1.004873?vnconnect=1&MaTTHCDP=1.004873`);
    check(at(deep, demo.issuer) && (await asks_password(deep)), 'away: a deep link ends at the choice, not at a dead end', deep.url());
    await deep.context().close();
  } finally {
    process.kill(demo.pids['idpd-national'], 'SIGCONT');
  }
  await new Promise((done) => { setTimeout(done, 3500); }); // longer than retry
  await page.context().clearCookies();
  await go_national(page, 'provincial');
  await type_password(page, 'vneid.dung');
  check((await greeting(page)).includes('Lê Thị Dung'), 'back: it works again by itself', page.url());
  await page.context().close();
}

const VIEWS = { desktop: { viewport: DESKTOP }, phone: { viewport: PHONE }, narrow: { viewport: NARROW } };

for (const [name, view] of Object.entries(VIEWS)) await step(`overview ${name}`, () => overview(name, view));
await step('deep link desktop', () => deep_link('desktop', VIEWS.desktop));
await step('deep link phone', () => deep_link('phone', { ...VIEWS.phone, javaScriptEnabled: true }));
await step('cold deep link', cold_deep_link);
await step('mapping desktop', () => mapping('desktop', VIEWS.desktop, { service: 'provincial', here: 'nguyen.van.an', there: 'vneid.an' }));
await step('mapping phone', () => mapping('phone', VIEWS.phone, { service: 'onestop', here: 'pham.quoc.cuong', there: 'vneid.cuong' }));
await step('official', official);
await step('choice desktop', () => choosing('desktop', VIEWS.desktop, { is_first: true }));
await step('choice phone', () => choosing('phone', VIEWS.phone, { is_first: false }));
await step('sign-out', sign_out_everywhere);
await step('away', degraded);
check(complaints.length === 0, 'the browser complains about nothing', complaints.slice(0, 3).join(' | '));
await browser.close();
finish();
