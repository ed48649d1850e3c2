#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The same tests under sanitizers.
#   tests/sanitizers.sh asan    AddressSanitizer, LeakSanitizer and UBSan: unit, vectors, fuzz corpora,
#                               scenarios and attacks against a real provider
#   tests/sanitizers.sh tsan    ThreadSanitizer: pool, writer, web server, signer, and a real provider
set -u
kind=$1
folder=build-$kind
case "$kind" in
asan) options="-Db_sanitize=address,undefined" ;;
tsan) options="-Db_sanitize=thread" ;;
*) exit 2 ;;
esac
[ -f "$folder/build.ninja" ] || meson setup "$folder" "$options" -Db_lundef=false >/dev/null || exit 1
ninja -C "$folder" --quiet || exit 1
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1 IDP_BUILD=$PWD/$folder
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
add() { # command...: adds what its last line counts
    echo "-- $*"
    "$@" 2>&1 | tee "$log"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
    one=${line%% passed*} two=${line##*passed, }
    passed=$((passed + ${one:-0}))
    failed=$((failed + $([ -n "$line" ] && echo "${two%% failed}" || echo 1)))
}
if [ "$kind" = asan ]; then
    add tests/meson_suite.sh "$folder" unit --timeout-multiplier 4
    add tests/meson_suite.sh "$folder" fuzz --timeout-multiplier 4
    add tests/meson_suite.sh "$folder" vectors --timeout-multiplier 4
    add tests/run_python.sh tests/scenario
    add tests/run_python.sh tests/attack
else
    add tests/meson_suite.sh "$folder" unit --timeout-multiplier 8
    add python3 tests/attack/http_raw.py
    add python3 tests/attack/relying_party.py
    add python3 tests/faults/kill9.py --kills 1 --acknowledged 150
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
