#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every test program of a folder and adds up what they counted.
#   tests/run_python.sh FOLDER
set -u
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for program in "$1"/*.py; do
    echo "-- $program"
    python3 "$program" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
    one=${line%% passed*} two=${line##*passed, }
    two=${two%% failed}
    if [ -z "$line" ] || { [ "$status" != 0 ] && [ "$two" = 0 ]; }; then two=$((${two:-0} + 1)); fi
    passed=$((passed + ${one:-0}))
    failed=$((failed + two))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
