# shellcheck shell=bash
# A minimal Debian to test in. To be sourced after tests/lib.sh, as root: debootstrap and chroot need it.

[ "$(id -u)" = 0 ] || fail 'needs root, for debootstrap and chroot'
scripts/need debootstrap mount

# Makes a root at a path that is not there yet, of the release and from the mirror that apt uses on this machine. It is
# packed and kept for a day in cargo's target directory, because making it takes more than a minute.
debian_root() { # FOLDER
    local kept=${CARGO_TARGET_DIR:-target}/debian.tar release mirror
    if [ -z "$(find "$kept" -mtime -1 2> /dev/null)" ]; then
        # shellcheck disable=SC2016 # apt's own variables
        read -r release mirror < <(
            apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | grep -vE '^[^ ]*-'
        ) || fail 'apt has no release of Debian among its sources'
        debootstrap --variant=minbase "$release" "$1" "$mirror" > "$dir/debootstrap" 2>&1 ||
            fail "debootstrap: $(tail -n 5 "$dir/debootstrap" | tr '\n' ' ')"
        apt-config dump --no-empty --format '%f "%v";%n' Acquire::http Acquire::https > "$1/etc/apt/apt.conf.d/00host"
        rm -f "$1"/var/cache/apt/archives/*.deb
        tar -C "$1" -cf "$kept.new" . && mv "$kept.new" "$kept"
        rm -rf "$1"
    fi
    mkdir "$1"
    tar -C "$1" -xpf "$kept"
    cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
}
