#!/usr/bin/env bash
# A fresh machine: a minimal Debian with this machine's Rust and what the README says of a bare machine. There the
# README's commands for contributors pass at the first try, and who may not install is told what is missing.
# shellcheck disable=SC2015,SC2016 # "A && B || fail" is meant; what stands in single quotes is for others
set -euo pipefail
scripts/need unshare=util-linux
# shellcheck source=tests/lib.sh
. tests/lib.sh
# shellcheck source=tests/debian.sh
. tests/debian.sh

root=$dir/root
debian_root "$root"
mkdir -p "$root"/{opt/rust,root/httpmon,root/.cargo}
rust=$(rustc --print sysroot)
# Mounts of a name space of its own: they end with what runs in it.
inside() { # COMMAND...: in the folder of the sources
    unshare --mount --pid --fork --kill-child bash -euc '
        mount --bind -o ro "$2" "$1/opt/rust"
        mount --rbind /dev "$1/dev"
        mount -t proc proc "$1/proc"
        exec chroot "$1" /usr/bin/env -i HOME=/root LC_ALL=C PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            bash -c "cd /root/httpmon && exec \"\$@\"" - "${@:3}"' - "$root" "$rust" "$@"
}

# What cargo would download.
cargo vendor --locked --quiet "$root/root/vendor" > /dev/null
printf '[source.%s]\n%s\n' crates-io 'replace-with = "vendored"' vendored 'directory = "/root/vendor"' > "$root/root/.cargo/config.toml"
bare=$(sed -n 's/.*`apt-get install \([^`]*\)`.*/\1/p' README.md | head -n 1)
[[ $bare == *gcc* ]] || fail 'the README does not say what a bare machine needs'
# shellcheck disable=SC2086 # the packages of a command
inside bash -c 'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends git "$@"' - $bare \
    > "$dir/log" 2>&1 || fail "$(tail -n 20 "$dir/log")"
git ls-files --cached --others --exclude-standard -z | while IFS= read -r -d '' file; do
    [ ! -e "$file" ] || printf '%s\0' "$file"
done | tar --null -T - -c | tar -C "$root/root/httpmon" --no-same-owner -x
inside git init -q
chmod a+rx "$root/root"

status=0
inside setpriv --reuid=nobody --regid=nogroup --clear-groups scripts/test > "$dir/told" 2>&1 || status=$?
[ "$status" -eq 1 ] && [ "$(line_count "$dir/told")" -eq 1 ] || fail "who may not install: status $status, $(cat "$dir/told")"
told=$(sed -n 's/^need: please install: apt-get install //p' "$dir/told")
ok "who may not install is told, in one line: apt-get install $told"

TIMEFORMAT='%U %S'
cpu() { awk '{ printf "%d s of CPU", $1 + $2 }' "$dir/time"; }
{ time inside cargo run --release --quiet < tests/data/access.csv > "$dir/events" 2> "$dir/log"; } 2> "$dir/time" ||
    fail "cargo run: $(cat "$dir/log")"
httpmon -q < tests/data/access.csv > "$dir/expected"
same_bytes 'cargo run --release' "$dir/expected" "$dir/events"
ok "cargo run --release: $(cpu)"

{ time inside scripts/test > "$dir/log" 2>&1 < /dev/null; } 2> "$dir/time" ||
    fail "scripts/test: $(grep -vE '^(ok|==|test .* ok$|running|$)' "$dir/log" | tail -n 60)"
grep -E '^== .* passed in' "$dir/log"
installed=$(sed -n 's/^need: installing //p' "$dir/log")
[ "$installed" = "$told" ] || fail "it installed \"$installed\", and told \"$told\""
ok "scripts/test: $(cpu); $(tail -n 1 "$dir/log")"
[ "$(awk '{ print $1 + $2 < 900 }' "$dir/time")" = 1 ] || fail 'scripts/test takes more than 15 minutes of CPU; 6 are meant'
