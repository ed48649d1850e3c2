#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs one meson test suite and counts as every suite here does.
#   tests/meson_suite.sh BUILD_FOLDER SUITE [--verbose]
set -u
folder=$1 suite=$2
shift 2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A skipped test counts as failed: what the whole run needs must be there. The vectors' folder alone
# may be absent.
meson test -C "$folder" --suite "$suite" --print-errorlogs "$@" 2>&1 | tee "$log"
number() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" "$log" | tail -n 1; }
passed=$(number Ok)
failed=$(($(number Fail) + $(number Timeout) + $(number 'Unexpected Pass') + 0))
skipped=$(number Skipped)
if [ "$suite" = vectors ]; then skipped=0; fi
if [ -z "$passed" ] || [ "${skipped:-0}" != 0 ]; then failed=$((failed + ${skipped:-1})); fi
echo "${passed:-0} passed, $failed failed"
[ "$failed" = 0 ]
