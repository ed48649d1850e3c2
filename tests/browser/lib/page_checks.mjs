// SPDX-License-Identifier: Apache-2.0
// What every page must hold (WCAG 2.2 AA, checked by hand): language, one h1, landmarks, labels,
// contrast, visible focus, no sideways scrolling. Facts are gathered in the page, judged here.

import { check } from './report.mjs';

/* eslint-env browser */
function gather() {
  const text = (element) => (element?.textContent ?? '').trim();
  const visible = (element) => {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return box.width > 0 && box.height > 0 && style.visibility !== 'hidden' && box.bottom > 0;
  };
  const rgba = (colour) => {
    const n = colour.match(/[\d.]+/g).map(Number);
    return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 1) return c;
    }
    return [255, 255, 255, 1];
  };
  const luminance = ([r, g, b]) => {
    const f = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };

  const pairs = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !visible(element)) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(rgba(style.color), ground(element));
    if (ratio < (large ? 3 : 4.5)) pairs.push(`${ratio.toFixed(2)} "${node.textContent.trim().slice(0, 30)}"`);
  }
  // Borders of inputs carry meaning: 3:1 against what is around them (WCAG 1.4.11).
  for (const input of document.querySelectorAll('input:not([type=hidden])')) {
    const ratio = contrast(rgba(getComputedStyle(input).borderTopColor), ground(input.parentElement));
    if (ratio < 3) pairs.push(`${ratio.toFixed(2)} border of ${input.name}`);
  }

  const fields = [...document.querySelectorAll('input:not([type=hidden]), select, textarea')];
  return {
    lang: document.documentElement.lang,
    title: document.title,
    h1: [...document.querySelectorAll('h1')].map(text),
    mains: document.querySelectorAll('main').length,
    landmarks: ['header', 'main', 'footer'].filter((name) => !document.querySelector(name)),
    skip: document.querySelector('a[href="#main"]') !== null && document.getElementById('main') !== null,
    levels: [...document.querySelectorAll('h1,h2,h3,h4')].map((h) => Number(h.tagName[1])),
    unlabelled: fields.filter((f) => ![...f.labels].some((l) => text(l))).map((f) => f.name),
    unnamed: [...document.querySelectorAll('button, a')]
      .filter((e) => !text(e) && !e.getAttribute('aria-label')).length,
    dangling: [...document.querySelectorAll('[aria-describedby],[aria-labelledby]')]
      .flatMap((e) => `${e.getAttribute('aria-describedby') ?? ''} ${e.getAttribute('aria-labelledby') ?? ''}`.split(/\s+/))
      .filter((id) => id && !document.getElementById(id)),
    broken_anchors: [...document.querySelectorAll('a[href^="#"]')]
      .map((a) => a.getAttribute('href').slice(1)).filter((id) => !id || !document.getElementById(id)),
    twice: [...document.querySelectorAll('[id]')].map((e) => e.id).filter((id, i, all) => all.indexOf(id) !== i),
    images: [...document.querySelectorAll('img')].filter((i) => !i.hasAttribute('alt') || !i.naturalWidth).length,
    inline: document.querySelectorAll('[style], style').length
      + [...document.querySelectorAll('script')].filter((e) => e.textContent !== 'document.forms[0].submit()').length,
    styled: getComputedStyle(document.body).display === 'flex',
    small: [...document.querySelectorAll('button, input:not([type=hidden]), .button')]
      .filter((e) => visible(e) && e.getBoundingClientRect().height < 44).length,
    pairs,
    sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}

function headings_in_order(levels) {
  return levels.every((level, i) => i === 0 || level <= levels[i - 1] + 1);
}

export async function check_page(page, name, { lang } = {}) {
  const f = await page.evaluate(gather);
  const faults = [];
  const need = (holds, fault) => { if (!holds) faults.push(fault); };
  need(lang ? f.lang === lang : ['vi', 'en'].includes(f.lang), `lang is "${f.lang}"`);
  need(f.title.trim().length > 3, 'no title');
  need(f.h1.length === 1 && f.h1[0], `${f.h1.length} h1`);
  need(f.mains === 1 && f.landmarks.length === 0, `landmarks: ${f.landmarks}`);
  need(f.skip, 'no skip link');
  need(headings_in_order(f.levels), `heading levels ${f.levels}`);
  need(f.unlabelled.length === 0, `no label: ${f.unlabelled}`);
  need(f.unnamed === 0, `${f.unnamed} buttons or links without a name`);
  need(f.dangling.length === 0, `aria names no element: ${f.dangling}`);
  need(f.broken_anchors.length === 0, `anchors: ${f.broken_anchors}`);
  need(f.twice.length === 0, `id twice: ${f.twice}`);
  need(f.images === 0, `${f.images} images without alt or not loaded`);
  need(f.inline === 0, `${f.inline} inline styles or scripts`);
  need(f.styled, 'the style sheet was not applied');
  need(f.small === 0, `${f.small} controls lower than 44 px`);
  need(f.pairs.length === 0, `contrast: ${f.pairs.join('; ')}`);
  need(f.sideways <= 0, `scrolls sideways by ${f.sideways} px`);
  check(faults.length === 0, name, faults.join(' | '));
}

// Tabs through the page; every stop must show an outline. Returns how many stops there were.
export async function check_focus(page, name) {
  const stops = [];
  for (let i = 0; i < 60; i += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const e = document.activeElement;
      if (!e || e === document.body) return null;
      const style = getComputedStyle(e);
      return { what: e.id || e.textContent.trim().slice(0, 20), outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 };
    });
    if (!stop) break;
    stops.push(stop);
  }
  const bare = stops.filter((s) => !s.outline).map((s) => s.what);
  check(stops.length > 0 && bare.length === 0, name, stops.length ? `no outline on ${bare}` : 'nothing to focus');
  return stops.length;
}
