#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `demo --check` as a newcomer runs it, over http and over https; and ends with status 0.
passed=0 failed=0
one() {
    if timeout 120 python3 demo/demo.py --check --fresh --port-base "$1" "${@:2}"; then
        passed=$((passed + 1)) && echo "ok demo --check ${*:2}"
    else
        failed=$((failed + 1)) && echo "FAIL demo --check ${*:2}"
    fi
}
one 18400
one 18440 --tls
# Once more on the state that is there: nothing is made twice.
if timeout 120 python3 demo/demo.py --check --tls --port-base 18440; then
    passed=$((passed + 1)) && echo "ok demo --check starts again on its own state"
else
    failed=$((failed + 1)) && echo "FAIL demo --check starts again on its own state"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
