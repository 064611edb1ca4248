#!/usr/bin/env bash
# scripts/install: what it puts where, and that what it put there runs.
# shellcheck disable=SC2015  # "A && B || fail" is meant
set -euo pipefail
scripts/need jq mandoc systemd-analyze=systemd logrotate
# shellcheck source=tests/lib.sh
. tests/lib.sh

DESTDIR=$dir/dest scripts/install > "$dir/out" 2>&1 && [ ! -s "$dir/out" ] || fail "$(cat "$dir/out")"
top=$dir/dest/usr/local
for file in "$top"/bin/httpmon{,-notify,-prometheus} "$top"/share/man/man1/httpmon{,-notify,-prometheus}.1 \
    "$top"/lib/systemd/system/httpmon{,-notify}.service "$top/lib/sysusers.d/httpmon.conf" "$top/share/man/man7/httpmon-deploy.7" \
    "$dir/dest/etc/logrotate.d/httpmon-access" "$top/share/httpmon/events.schema.json" \
    "$top/share/doc/httpmon/README.md" "$top/share/doc/httpmon/examples/cron/httpmon" "$dir/dest/etc/logrotate.d/httpmon"; do
    [ -s "$file" ] || fail "no $file"
done
for script in scripts/httpmon-*; do
    cmp "$script" "$top/share/httpmon/${script##*/}" || fail "$script"
    [ ! -x "$script" ] || [ -x "$top/bin/${script##*/}" ] || fail "${script##*/} cannot be called"
done
find "$dir/dest" -type f -perm /022 | grep . >&2 && fail 'files that others may write'
find "$dir/dest" -type f ! -perm -044 | grep . >&2 && fail 'files that others may not read'
ok 'binary, scripts, manual, schema and service files are where a system looks for them'

# Called as a user would, from elsewhere and with nothing of this tree on the PATH.
cat > "$dir/alert.csv" <<'CSV'
time,status
1549573860,200
1549573861,200
CSV
path=$top/bin:$(printf '%s' "$PATH" | tr : '\n' | grep -vF "$PWD" | paste -sd :)
(
    cd /
    PATH=$path
    httpmon --threshold 0.1 --window 10 < "$dir/alert.csv" |
        httpmon-notify tee "$dir/told" 2> /dev/null |
        httpmon-prometheus "$dir/totals.prom" > "$dir/events"
) || fail 'the installed pipe'
jq -es 'map(.type) == ["alert", "summary"]' "$dir/events" > /dev/null && [ -s "$dir/told" ] &&
    grep -qx 'httpmon_requests_total{source="stdin"} 2' "$dir/totals.prom" || fail 'the installed pipe'
for script in "$top"/bin/*; do
    (cd / && PATH=$path "$script" --help > "$dir/out" 2> "$dir/err") && [ -s "$dir/out" ] || fail "${script##*/} --help: $(cat "$dir/err")"
done
ok 'what was installed runs from there'

mkdir "$dir/man"
cp "$top"/share/man/man*/* "$dir/man"
# Other programs' pages need not be installed.
(cd "$dir/man" && mandoc -T lint -W style ./*) 2>&1 | grep -vE 'outdated mandoc.db|referenced manual not found: Xr ([^h]|h[^t])' > "$dir/out" || :
[ ! -s "$dir/out" ] || fail "manual: $(cat "$dir/out")"
systemd-analyze --man=no verify "$top"/lib/systemd/system/*.service > "$dir/out" 2>&1 || fail "unit: $(cat "$dir/out")"
systemd-sysusers --root="$dir/dest" --dry-run "$top/lib/sysusers.d/httpmon.conf" > "$dir/out" 2>&1 || fail "sysusers: $(cat "$dir/out")"
# The user that it names comes with sysusers.d, which is not run here.
sed '/^ *su /d' "$dir/dest/etc/logrotate.d/httpmon" > "$dir/events.conf"
cat "$dir/dest/etc/logrotate.d/httpmon-access" >> "$dir/events.conf"
chmod 644 "$dir/events.conf"
logrotate --debug "$dir/events.conf" > "$dir/out" 2>&1 || fail "logrotate: $(cat "$dir/out")"
ok 'manual, unit and logrotate configuration are good where they are'

find "$dir/dest" -type f -exec cksum {} + | sort > "$dir/first"
DESTDIR=$dir/dest scripts/install || fail 'the second time'
find "$dir/dest" -type f -exec cksum {} + | sort | diff "$dir/first" - >&2 || fail 'not the same the second time'
PREFIX=$dir/home/.local scripts/install || fail 'into a home'
[ -x "$dir/home/.local/bin/httpmon" ] && [ -f "$dir/home/.local/etc/logrotate.d/httpmon" ] || fail 'not all in the prefix'
(cd / && "$dir/home/.local/bin/httpmon" --version > /dev/null) || fail 'it does not run'
ok 'installing again changes nothing, and PREFIX takes everything elsewhere'

for arguments in --colour /usr; do
    status=0
    scripts/install "$arguments" > "$dir/out" 2> "$dir/err" || status=$?
    [ "$status" = 2 ] && [ "$(wc -l < "$dir/err")" = 1 ] || fail "status $status for $arguments"
done
status=0
PREFIX=here scripts/install 2> "$dir/err" || status=$?
[ "$status" = 2 ] && [ "$(wc -l < "$dir/err")" = 1 ] && [ ! -e here ] || fail 'a relative PREFIX'
scripts/install --help > "$dir/out"
[ "$(awk 'length > 79' "$dir/out")" = '' ] || fail 'help is too wide'
ok 'wrong usage is one line and status 2'
