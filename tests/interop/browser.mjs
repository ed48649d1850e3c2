// SPDX-License-Identifier: Apache-2.0
// A person's browser for relying-party libraries under Node: cookies, forms, redirects up to the relying
// party. No script is run.

export class Browser {
  cookies = new Map();

  async send(url, options = {}) {
    const cookie = [...this.cookies].map(([n, v]) => `${n}=${v}`).join('; ');
    const answer = await fetch(url, {
      redirect: 'manual', ...options,
      headers: { accept: 'text/html', ...(cookie ? { cookie } : {}), ...options.headers },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';');
      const at = pair.indexOf('=');
      if (attributes.some((a) => a.trim().toLowerCase() === 'max-age=0')) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return { url: answer.url, status: answer.status, location: answer.headers.get('location'), text: await answer.text() };
  }

  // Follows redirects; stops before `until` (the relying party's own address) and at pages.
  async go(url, until, options) {
    let answer = await this.send(url, options);
    while (answer.status === 303) {
      const next = new URL(answer.location, url).href;
      if (until && next.startsWith(until)) return { ...answer, at: next };
      url = next;
      answer = await this.send(url);
    }
    return { ...answer, at: url };
  }

  async submit(page, values, until) {
    const form = /<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(
      page.text.slice(page.text.indexOf('<main')));
    if (!form) throw new Error(`no form on ${page.at}: ${page.status}`);
    const fields = new URLSearchParams();
    for (const input of form[2].matchAll(/<input[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(input[0]), value = /value="([^"]*)"/.exec(input[0]);
      if (name) fields.set(name[1], decode(value?.[1] ?? ''));
    }
    for (const [n, v] of Object.entries(values)) fields.set(n, v);
    return this.go(new URL(decode(form[1]), page.at).href, until, { method: 'POST', body: fields });
  }
}

function decode(text) {
  return text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>');
}
