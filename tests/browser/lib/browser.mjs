// SPDX-License-Identifier: Apache-2.0
// Chromium as a citizen without scripts: every page must work with JavaScript switched off.
// What the browser itself complains about (a blocked style, a file that is not there) is kept.

import { chromium } from 'playwright-core';

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };
export const NARROW = { width: 320, height: 640 };

const STEP_MS = 10000;

export async function launch() {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

// `complaints` collects what the console and the network say is wrong.
export async function open(browser, options, complaints) {
  const context = await browser.newContext({
    javaScriptEnabled: false,
    ignoreHTTPSErrors: true,
    locale: 'vi-VN',
    viewport: DESKTOP,
    ...options,
  });
  context.setDefaultTimeout(STEP_MS);
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    // An error page is an answer, not a fault of the page.
    if (/status of (4\d\d|503)/.test(message.text())) return;
    complaints.push(message.text());
  });
  page.on('requestfailed', (request) => {
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') complaints.push(`${request.url()} failed`);
  });
  return page;
}
