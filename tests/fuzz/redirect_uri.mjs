// SPDX-License-Identifier: Apache-2.0
// Redirect URIs, read by idp/client_uri.c and by the WHATWG URL parser that browsers have (Node's):
//   what may be registered is read alike by both: scheme, host, port, path and query, and no user name;
//   what is allowed for a registered URI leads, in the other reading too, to the same place, or to
//   another port of the same loopback address.
// Pairs are made from the corpus and from parts that parsers are known to disagree about.
//
//   node tests/fuzz/redirect_uri.mjs [BUILD] [--pairs N] [--seed N]
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname
const options = { pairs: 300000, seed: 1 }
let build = 'build'
for (let i = 2; i < process.argv.length; i++) {
  if (process.argv[i].startsWith('--')) options[process.argv[i].slice(2)] = Number(process.argv[++i])
  else build = process.argv[i]
}
const BATCH = 50000

// xorshift32: the same pairs for the same seed
let state = (options.seed * 2654435761) >>> 0 || 1
function random(n) {
  state ^= state << 13; state >>>= 0
  state ^= state >>> 17
  state ^= state << 5; state >>>= 0
  return state % n
}
const pick = (list) => list[random(list.length)]

const SCHEMES = ['https', 'http', 'https', 'http', 'vn.gov.app', 'HTTPS', 'javascript', 'data', 'file', 'ws', 'a.b', 'blob', '']
const AFTER_SCHEME = ['://', '://', '://', '://', ':/', ':', ':///', ':\\\\', '//', ':////', ':/\\']
const HOSTS = ['rp.example.vn', 'c.ex', '127.0.0.1', '[::1]', 'localhost', 'C.EX', 'c.ex.', '2130706433', '0x7f.1', '127.1',
  '0177.0.0.1', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', 'xn--', 'xn--a', 'a..b', '-a.ex', 'a-.ex', 'c%2eex', 'ｃ.ex', '[::1', '::1', '1.2.3.4.', '[v1.a]',
  '[fe80::1%251]', 'a_b.ex', '127.0.0.01', '256.1.1.1', '1.2.3', 'x.1', 'x.0x', 'xn--ls8h.la', '']
const PORTS = ['', '', '', ':443', ':80', ':8443', ':', ':0', ':65536', ':99999', ':080', ':+1', ':8080', ':1', ':80@evil.vn', ':a']
const USERS = ['', '', '', '', 'a@', 'a:b@', '@', 'c.ex@', '%40@']
const PATHS = ['', '/', '/cb', '/cb', '/a/../cb', '/./cb', '/%2e%2e/cb', '/.%2e/cb', '/cb/', '//cb', '/cb;a', '/c%62', '/cb%', '/cb%2', '/cb%00',
  '/cb%2fx', '/cb%5cx', '\\cb', '/cb\\x', '/.../cb', '/cb ', '/c\tb', '/c\nb', '/~cb', "/'cb", '/cb!$&()*+,;=:@', '/ữ', '/cb%25', '/cb%E1', '..', '/..', '/..;/cb']
const QUERIES = ['', '', '', '?', '?a=b', '?a=b&c', '?x=%2F..%2F', '?/../', "?'", '?a b', '?ữ', '?a#b', '?%', '?a=%00', '?a?b', '?{}', '?`', '?^|']
const TAILS = ['', '', '', '', '#', '#x', ' ', '\n', '\t', '\0x'.slice(1), '@evil.vn', '.evil.vn', '\\@evil.vn', ':80', '%']
const OCTETS = ['/', '\\', '@', ':', '?', '#', '%', '.', ' ', '\t', '\r', '\n', '0', 'a', 'A', '[', ']', '*', '&', ';', 'ữ', '\u200b', '%2e', '%2F', '..', '//', "'", '"', '<', '|']

const made = () => pick(SCHEMES) + pick(AFTER_SCHEME) + pick(USERS) + pick(HOSTS) + pick(PORTS) + pick(PATHS) + pick(QUERIES) + pick(TAILS)
const likely = () => pick(['https', 'http']) + '://' + pick(HOSTS.slice(0, 5)) + pick(PORTS.slice(0, 6)) + pick(PATHS.slice(0, 9)) + pick(QUERIES.slice(0, 5))

function mutated(uri) {
  for (let n = random(3); n >= 0; n--) {
    const at = random(uri.length + 1)
    switch (random(4)) {
      case 0: uri = uri.slice(0, at) + pick(OCTETS) + uri.slice(at); break
      case 1: uri = uri.slice(0, at) + uri.slice(at + 1); break
      case 2: uri = uri.slice(0, at) + pick(OCTETS) + uri.slice(at + 1); break
      case 3: uri = uri.replace(/:\d+/, '') .replace(/^(\w+:\/\/[^/?]*)/, '$1' + pick(PORTS)); break
    }
  }
  return uri
}

const folder = join(here, 'corpus', 'redirect_uri')
const seeds = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1').split('\n'))

function pair(i) {
  if (i < seeds.length) return [seeds[i][0], seeds[i][1] ?? seeds[i][0]]
  const registered = random(3) ? likely() : random(2) ? made() : pick(seeds)[0]
  const asked = random(8) === 0 ? registered : random(2) ? mutated(registered) : random(2) ? made() : likely()
  return [random(6) ? registered : mutated(registered), asked]
}

function whatwg(uri) {
  try { return new URL(uri) } catch { return null }
}

// A label that says it is punycode and is none: it leads nowhere, so it may differ.
const isNoName = (uri) => /^https:\/\/([^/?]*\.)?xn--/.test(uri)

// What is wrong with our reading of a URI that may be registered; null when nothing.
function reading(uri, scheme, host, port, restLength) {
  const u = whatwg(uri)
  if (!u) return isNoName(uri) ? null : 'the other parser refuses it'
  if (u.username || u.password) return 'it has a user name'
  if (u.hash || uri.includes('#')) return 'it has a fragment'
  if (u.protocol !== scheme + ':') return `scheme ${scheme} and ${u.protocol}`
  const rest = uri.slice(uri.length - restLength)
  // The one escape that WHATWG adds to a query of characters we take.
  const query = (text) => text.replaceAll("'", '%27')
  if (host === '-') return u.pathname + u.search === (rest.endsWith('?') ? rest.slice(0, -1) : rest) || u.href === uri ? null : `path ${u.pathname}${u.search}`
  const standard = { https: '443', http: '80' }[scheme]
  if (u.port !== (port === '-' || port === standard ? '' : port)) return `port ${port} and ${u.port}`
  if (u.hostname !== host && !(host[0] === '[' && u.hostname[0] === '[')) return `host ${host} and ${u.hostname}`
  const at = rest.indexOf('?')
  const path = at < 0 ? rest : rest.slice(0, at)
  const search = at < 0 || at === rest.length - 1 ? '' : rest.slice(at)
  if (u.pathname !== (path || '/')) return `path ${path} and ${u.pathname}`
  if (u.search !== query(search)) return `query ${search} and ${u.search}`
  return null
}

const isLoopback = (u) => u.protocol === 'http:' && (u.hostname === '127.0.0.1' || u.hostname === '[::1]')

// What is wrong with allowing `asked` for `registered`; null when nothing.
function allowance(registered, asked) {
  const a = whatwg(registered), b = whatwg(asked)
  if (!a || !b) return registered === asked && isNoName(asked) ? null : 'the other parser refuses one'
  if (a.href === b.href) return null
  if (!isLoopback(a) || !isLoopback(b)) return `it leads to ${b.href}`
  a.port = b.port
  return a.href === b.href ? null : `it leads to ${b.href}`
}

let failed = 0
const counts = { pairs: 0, registrable: 0, allowed: 0, 'allowed on another port': 0 }
function objection(what, uris, why) {
  failed++
  if (failed <= 20) console.log(`FAIL ${what}: ${JSON.stringify(uris)}: ${why}`)
}

for (let done = 0; done < options.pairs; done += BATCH) {
  const pairs = Array.from({ length: Math.min(BATCH, options.pairs - done) }, (_, i) => pair(done + i)).filter(([a, b]) => !(a + b).includes('\0'))
  const run = spawnSync(join(build, 'tests/fuzz/uri_verdicts'), { input: pairs.map(([a, b]) => `${a}\0${b}\0`).join(''), encoding: 'utf8', maxBuffer: 1 << 28 })
  const lines = run.stdout.split('\n')
  if (run.status !== 0 || lines.length !== pairs.length + 1) throw new Error(`uri_verdicts ended with ${run.status}, ${lines.length} lines`)
  pairs.forEach(([registered, asked], i) => {
    const [good, scheme, host, port, rest, , allowed] = lines[i].split(' ')
    counts.pairs++
    if (good !== '1') return
    counts.registrable++
    const why = reading(registered, scheme, host, port, Number(rest))
    if (why) objection('read in two ways', [registered], why)
    if (registered === asked && allowed !== '1') objection('the registered URI itself is refused', [registered], '')
    if (allowed !== '1') return
    counts.allowed++
    if (registered !== asked) counts['allowed on another port']++
    const elsewhere = allowance(registered, asked)
    if (elsewhere) objection('allowed', [registered, asked], elsewhere)
  })
}
console.log(JSON.stringify(counts))
const enough = counts.registrable > counts.pairs / 20 && counts['allowed on another port'] > counts.pairs / 2000
if (!enough) objection('too few pairs get to the comparison', [], '')
console.log(failed ? `0 passed, ${failed} failed` : 'ok A01 redirect URIs are read as WHATWG URL reads them\n1 passed, 0 failed')
process.exit(failed ? 1 : 0)
