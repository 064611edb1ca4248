#!/usr/bin/env bash
# From the log to a person: the processes of both services are ended at random moments, during rotations and while the
# disk is full; nothing is lost and nothing comes twice. HTTPMON_KILLS=200 for more of it.
set -euo pipefail
scripts/need python3 gzip mount
# shellcheck source=tests/lib.sh
. tests/lib.sh

mkdir "$dir/log" "$dir/small"
if ! mount -t tmpfs -o size=8m none "$dir/small" 2> /dev/null; then
    printf 'ok (no right to mount a file system: the disk is never full)\n'
else
    trap 'umount -l "$dir/small"; clean_up' EXIT
fi
summary=$(python3 tests/chain.py "$dir/log" "$dir/small" "${HTTPMON_KILLS:-20}" "${HTTPMON_SEED:-1}") || {
    tail -n 20 "$dir/log/errors" >&2
    fail 'see above'
}
ok "$summary"

summary=$(tests/soak "${HTTPMON_SOAK:-30}" 3) || fail "$summary"
ok "a writer that never pauses: $summary"
