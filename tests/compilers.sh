#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Everything compiles without a warning, with gcc and with clang.
passed=0 failed=0
for compiler in gcc clang; do
    folder=build-werror-$compiler
    if { [ -f "$folder/build.ninja" ] || CC=$compiler meson setup "$folder" --werror >/dev/null; } &&
        ninja -C "$folder" --quiet; then
        passed=$((passed + 1)) && echo "ok $compiler -Werror"
    else
        failed=$((failed + 1)) && echo "FAIL $compiler -Werror"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
