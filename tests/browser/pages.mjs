// SPDX-License-Identifier: Apache-2.0
// Every page with its sample models, as a browser shows them: both languages, phone, desktop, dark,
// and 320 px. Needs no server of ours; page_preview renders, a small one here serves, under the
// content security policy that the provider sends.
//
// usage: node pages.mjs BUILD_FOLDER [SCREENSHOT_FOLDER]

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DESKTOP, NARROW, PHONE, launch, open } from './lib/browser.mjs';
import { check_focus, check_page } from './lib/page_checks.mjs';
import { check, finish, step } from './lib/report.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const build = process.argv[2] ?? 'build';
const shots = process.argv[3] ?? join(build, 'screenshots', 'pages');
const preview = join(build, 'tests', 'page_preview');
const POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const TYPES = { css: 'text/css; charset=utf-8', svg: 'image/svg+xml' };

const samples = readdirSync(join(here, 'samples')).filter((n) => n.endsWith('.json')).map((n) => n.slice(0, -5));

function render(sample, lang) {
  const path = join(here, 'samples', `${sample}.json`);
  const theme = JSON.parse(readFileSync(path, 'utf8'))._theme;
  return execFileSync(preview, [sample.split('.')[0], lang, path, ...(theme ? [theme] : [])]);
}

function answer(request, response) {
  const [, first, second] = request.url.split('?')[0].split('/');
  try {
    if (first === 'static') {
      const body = execFileSync(preview, ['--static', request.url], { stdio: ['ignore', 'pipe', 'ignore'] });
      response.writeHead(200, { 'Content-Type': TYPES[second.split('.').pop()] });
      response.end(body);
      return;
    }
    const body = render(second, first);
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': POLICY });
    response.end(body);
  } catch (error) {
    response.writeHead(404);
    response.end();
  }
}

const VIEWS = [
  { name: 'phone', viewport: PHONE, colorScheme: 'light' },
  { name: 'desktop', viewport: DESKTOP, colorScheme: 'light' },
  { name: 'dark', viewport: DESKTOP, colorScheme: 'dark' },
  { name: '320px', viewport: NARROW, colorScheme: 'light' },
];

mkdirSync(shots, { recursive: true });
const server = createServer(answer).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const base = `http://127.0.0.1:${server.address().port}`;
const browser = await launch();
const complaints = [];

for (const { name, ...view } of VIEWS) {
  const page = await open(browser, view, complaints);
  for (const sample of samples) {
    for (const lang of ['vi', 'en']) {
      await step(`${sample} ${lang} ${name}`, async () => {
        await page.goto(`${base}/${lang}/${sample}`);
        await check_page(page, `${sample} ${lang} ${name}`, { lang });
        if (lang === 'vi') await page.screenshot({ path: join(shots, `${sample}.${name}.png`), fullPage: true });
      });
    }
  }
  await page.context().close();
}

const page = await open(browser, {}, complaints);
for (const sample of samples) {
  await step(`${sample}: focus`, async () => {
    await page.goto(`${base}/vi/${sample}`);
    await check_focus(page, `${sample}: every stop of the Tab key is visible`);
  });
}

await step('links of the error summary', async () => {
  await page.goto(`${base}/vi/sign_in.wrong`);
  await page.click('[role=alert] a');
  check(page.url().endsWith('#username'), 'the error summary leads to the field');
  const described = await page.getAttribute('#password', 'aria-describedby');
  check(described?.includes('form-error'), 'the field is described by the error');
});

await step('print', async () => {
  await page.emulateMedia({ media: 'print' });
  await page.goto(`${base}/vi/account`);
  check(!(await page.isVisible('.session .button')), 'buttons are not printed');
  check(await page.isVisible('.session h3'), 'sessions are printed');
});

check(complaints.length === 0, 'the browser complains about nothing', complaints.slice(0, 3).join(' | '));
await browser.close();
server.close();
finish();
