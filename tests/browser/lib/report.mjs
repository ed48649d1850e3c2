// SPDX-License-Identifier: Apache-2.0
// One line a check, and the count that every suite ends with.

let passed = 0;
let failed = 0;

export function check(holds, what, detail = '') {
  if (holds) passed += 1;
  else failed += 1;
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}${holds || !detail ? '' : `: ${detail}`}`);
  return Boolean(holds);
}

// A step that throws is one failure; the steps behind it still run.
export async function step(what, run) {
  try {
    await run();
  } catch (error) {
    check(false, what, String(error.message).split('\n')[0]);
  }
}

export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}
