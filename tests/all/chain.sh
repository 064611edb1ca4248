#!/usr/bin/env bash
# From the log to a person: the processes of both services are ended at random moments, during rotations and while the
# disk is full; nothing is lost and nothing comes twice. HTTPMON_KILLS=200 HTTPMON_DOWN=60 for more of it.
set -euo pipefail
scripts/need python3 gzip mount unshare=util-linux
# A small file system may be mounted by root, also by the one of a namespace.
if [ "$(id -u)" != 0 ] && unshare --user --map-root-user --mount true 2> /dev/null; then
    exec unshare --user --map-root-user --mount bash "$0"
fi
# shellcheck source=tests/lib.sh
. tests/lib.sh

mkdir "$dir/log" "$dir/small"
if mount -t tmpfs -o size=32m none "$dir/small" 2> /dev/null; then
    trap 'umount -l "$dir/small"; clean_up' EXIT
else
    printf 'ok (no right to mount a file system: the disk is never full)\n'
fi
summary=$(python3 tests/chain.py "$dir/log" "$dir/small" "${HTTPMON_KILLS:-20}" "${HTTPMON_DOWN:-4}" "${HTTPMON_SEED:-1}") || {
    tail -n 20 "$dir/log/errors" >&2
    fail 'see above'
}
ok "$summary"

summary=$(tests/soak "${HTTPMON_SOAK:-20}" 3) || fail "$summary"
ok "a writer that never pauses: $summary"
