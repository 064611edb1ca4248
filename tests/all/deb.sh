#!/usr/bin/env bash
# The Debian package: built twice, judged by lintian, unpacked and run, and in a minimal Debian installed, removed and
# purged.
# shellcheck disable=SC2015  # "A && B || fail" is meant
set -euo pipefail
scripts/need jq lintian dpkg-deb=dpkg
# shellcheck source=tests/lib.sh
. tests/lib.sh
# shellcheck source=tests/debian.sh
. tests/debian.sh

package=$(scripts/deb) || fail 'scripts/deb'
cp "$package" "$dir/httpmon.deb"
scripts/deb > /dev/null
cmp "$package" "$dir/httpmon.deb" >&2 || fail 'not the same bytes the second time'
lintian --allow-root --fail-on error "$package" > "$dir/lintian" 2>&1 || fail "lintian: $(cat "$dir/lintian")"
printf 'ok two builds are the same bytes; lintian finds no error (%s warnings)\n' "$(grep -c '^W:' "$dir/lintian" || :)"

dpkg-deb -x "$package" "$dir/unpacked"
PREFIX=/usr DESTDIR=$dir/installed scripts/install
# Debian has its own place for licences, and compresses manuals.
list() {
    (cd "$1" && find . \( -type f -o -type l \) -printf '%P %l %m\n') |
        sed -e 's|\.gz | |' -e '/\/doc\/httpmon\/\(changelog.*\|copyright\|LICENSE\) /d' | sort
}
diff <(list "$dir/installed") <(list "$dir/unpacked") >&2 || fail 'not what scripts/install installs'
ok 'the package has what scripts/install installs, nothing less and nothing more'

path=$dir/unpacked/usr/bin:$(printf '%s' "$PATH" | tr : '\n' | grep -vF "$PWD" | paste -sd :)
printf '1549573860,200\n1549573861,200\n' > "$dir/log.csv"
(cd / && PATH=$path && httpmon --columns time,status < "$dir/log.csv" | httpmon-prometheus "$dir/totals.prom") > "$dir/events"
jq -es '.[0].requests == 2' "$dir/events" > /dev/null || fail 'what it has does not run'
field() { dpkg-deb -f "$package" "$1"; }
[[ $(field Version) == "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)-1" ]] || fail "version: $(field Version)"
[[ $(field Depends) == *'libc6 (>= 2.'* ]] || fail "depends: $(field Depends)"
for name in jq python3 sqlite3 gnuplot-nox; do
    [[ " $(field Recommends)," == *" $name"[,\ ]* ]] || fail "recommends: $(field Recommends)"
done
ok 'what was unpacked runs, and the package says what it needs'

root=$dir/root
debian_root "$root"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"; }
# All files but those of a run, logs, caches, what dpkg knows and the copies of /etc/passwd and the like.
everything() {
    (cd "$root" && find . \( -path ./var/log -o -path ./var/cache -o -path ./var/lib/dpkg -o -path ./run -o -path ./tmp -o -name '*-' \) -prune -o -type f -exec cksum {} + -o -printf '%P %l\n') | sort
    ls "$root/var/log"
}
# A systemd that notes what it is told: the maintainer scripts ask it only where it runs.
mkdir -p "$root/run/systemd/system"
cat > "$root/usr/local/bin/systemctl" <<'SH'
#!/bin/sh
[ "$1" = is-enabled ] || printf '%s\n' "$*" >> /tmp/systemctl
SH
chmod 755 "$root/usr/local/bin/systemctl"
cp "$package" "$root/tmp/httpmon.deb"
told() { sed 's/--[a-z-]* //g' "$root/tmp/systemctl" | paste -sd ';'; rm -f "$root/tmp/systemctl"; }
everything > "$dir/before"

inside dpkg --install /tmp/httpmon.deb > "$dir/log" 2>&1 || fail "$(cat "$dir/log")"
inside getent passwd httpmon | grep -q ':/nonexistent:/usr/sbin/nologin$' || fail 'there is no user for the service'
[ "$(told)" = daemon-reload ] || fail 'more than a reload was asked of systemd'
inside httpmon --columns time,status < "$dir/log.csv" > "$dir/events"
jq -es '.[0].requests == 2' "$dir/events" > /dev/null || fail 'it does not run in a minimal Debian'
ok 'installed in a minimal Debian it runs, has a user and starts nothing'

mkdir -p "$root/var/log/httpmon" "$root/var/lib/httpmon-notify"
cp "$dir/events" "$root/var/log/httpmon/events.ndjson"
touch "$root/var/lib/httpmon-notify/told"
inside dpkg --install /tmp/httpmon.deb > "$dir/log" 2>&1 || fail "again: $(cat "$dir/log")"
told=$(told)
[[ $told == 'daemon-reload;try-restart '* ]] && [[ $told != *stop* && $told != *disable* ]] || fail "an upgrade: $told"
ok 'an upgrade restarts what runs, and nothing else'

inside dpkg --remove httpmon > "$dir/log" 2>&1 || fail "$(cat "$dir/log")"
told=$(told)
[[ $told == 'stop '*'disable '*daemon-reload ]] || fail "a removal: $told"
[ ! -e "$root/usr/bin/httpmon" ] && [ -s "$root/var/log/httpmon/events.ndjson" ] || fail 'a removal keeps the events, and only these'
inside dpkg --purge httpmon > "$dir/log" 2>&1 || fail "$(cat "$dir/log")"
rm -f "$root/tmp/systemctl"
everything | diff "$dir/before" - >&2 || fail 'a purge leaves something'
ok 'removed, its services are stopped and its events are there; purged, nothing is left'
