#!/usr/bin/env bash
# The Debian package: built by cargo-deb, judged by lintian, unpacked and run.
# shellcheck disable=SC2015  # "A && B || fail" is meant
set -euo pipefail
scripts/need jq lintian dpkg-deb=dpkg
# shellcheck source=tests/lib.sh
. tests/lib.sh

command -v cargo-deb > /dev/null || {
    echo 'package: installing cargo-deb' >&2
    cargo install --quiet --locked cargo-deb --version '^3.8' > "$dir/log" 2>&1 || fail "$(tail -n 20 "$dir/log")"
}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
maintainer=$(sed -n 's/^maintainer = "\(.*\)"/\1/p' Cargo.toml)
[ -n "$maintainer" ] || fail 'Cargo.toml has no [package.metadata.deb]'

# What the metadata names as sources.
rm -rf target/deb
PREFIX=/usr DESTDIR=target/deb scripts/install
cat > target/deb.changelog <<CHANGELOG
httpmon ($version-1) unstable; urgency=medium

  * See the project's own history.

 -- $maintainer  $(LC_ALL=C date -u -R)
CHANGELOG

cargo deb --quiet --no-build --output "$dir/httpmon.deb" > "$dir/log" 2>&1 || fail "cargo-deb: $(cat "$dir/log")"
lintian --allow-root --fail-on error "$dir/httpmon.deb" > "$dir/lintian" 2>&1 || fail "lintian: $(cat "$dir/lintian")"
printf 'ok lintian finds no error (%s warnings)\n' "$(grep -c '^W:' "$dir/lintian" || :)"

dpkg-deb -x "$dir/httpmon.deb" "$dir/root"
# Debian has its own place for units and licences, and compresses manuals.
list() {
    (cd "$1" && find . \( -type f -o -type l \) -printf '%P %l %m\n') |
        sed -e 's|^usr/lib/systemd|lib/systemd|; s|\.gz | |' -e '/\/doc\/httpmon\/\(changelog\|copyright\|LICENSE\)/d' | sort
}
diff <(list target/deb) <(list "$dir/root") >&2 || fail 'not what scripts/install installs'
ok 'the package has what scripts/install installs, nothing less and nothing more'

path=$dir/root/usr/bin:$(printf '%s' "$PATH" | tr : '\n' | grep -vF "$PWD" | paste -sd :)
printf '1549573860,200\n1549573861,200\n' > "$dir/log.csv"
(cd / && PATH=$path && httpmon --columns time,status < "$dir/log.csv" | httpmon-prometheus "$dir/totals.prom") > "$dir/events"
jq -es '.[0].requests == 2' "$dir/events" > /dev/null || fail 'what it has does not run'
[ "$(dpkg-deb -f "$dir/httpmon.deb" Version)" = "$version-1" ] || fail 'another version'
depends=$(dpkg-deb -f "$dir/httpmon.deb" Depends)
[[ $depends == *libc6* && $depends == *jq* && $depends == *python3* ]] || fail "depends: $depends"
ok 'what was unpacked runs, and the package says what it needs'
