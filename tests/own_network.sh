#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command in a network of its own, in which this machine has one public address besides its
# loopback ones, under the names of OWN_NAMES; nothing leaves it. For what may only reach public
# addresses: a relying party that registered itself.
set -euo pipefail
export OWN_ADDRESS=45.117.80.2 OWN_NAMES="rp.example.vn other-rp.example.vn"
[ "$(id -u)" = 0 ] && as=() || as=(--map-root-user)
exec unshare "${as[@]}" --net --mount --propagation private bash -c '
    set -euo pipefail
    ip link set lo up
    ip address add "$OWN_ADDRESS/32" dev lo
    hosts=$(mktemp)
    { cat /etc/hosts; echo "$OWN_ADDRESS $OWN_NAMES"; } >"$hosts"
    mount --bind "$hosts" /etc/hosts
    rm "$hosts"
    exec "$@"' bash "$@"
