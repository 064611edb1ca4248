# shellcheck shell=bash
# Shared by httpmon-web, httpmon-kafka and httpmon-spark: a virtual environment with their packages, made once.
# To be sourced; run by itself it does nothing.

# Makes the environment if needed, and sets `venv` to its folder. A file of pins lists every package with its version
# and the hashes of its files, so what is installed is what was tested. The files are installed in order: the build
# tools of a package are in an earlier file.
make_venv() { # TOOL WHAT FILE.pins...
    local tool=$1 what=$2 cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/httpmon pins
    shift 2
    venv=$cache/${tool#httpmon-}-$(cat "$@" | cksum | cut -d ' ' -f 1)
    [ ! -e "$venv/ready" ] || return 0
    printf '%s: installing %s in %s (once)\n' "$tool" "$what" "$venv" >&2
    mkdir -p "$cache" || return
    # If two start together, the second waits and then finds it done.
    exec 9> "$venv.lock"
    flock 9
    if [ ! -e "$venv/ready" ]; then
        if ! (
            python3 -m venv --clear "$venv" || exit
            for pins; do
                "$venv/bin/python" -m pip --disable-pip-version-check install --require-hashes --no-deps \
                    --no-build-isolation --requirement "$pins" || exit
            done
        ) > "$venv.log" 2>&1; then
            printf '%s: could not install %s (python3-venv missing? no network?): see %s\n' "$tool" "$what" "$venv.log" >&2
            return 2
        fi
        touch "$venv/ready"
    fi
    exec 9>&-
}
