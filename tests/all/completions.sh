#!/usr/bin/env bash
# The completions are those of the table of options, and the real shells take them.
set -euo pipefail
scripts/need zsh fish tmux
dir=$(mktemp -d)
socket=httpmon-completions-$$
trap 'tmux -L "$socket" kill-server 2> /dev/null || true; rm -rf "$dir"' EXIT
fail() {
    printf 'completions: %s\n' "$1" >&2
    exit 1
}

cargo build --quiet --locked --example completions
for shell in bash:httpmon.bash zsh:_httpmon fish:httpmon.fish; do
    target/debug/examples/completions "${shell%%:*}" > "$dir/rendered"
    cmp "$dir/rendered" "scripts/completions/${shell##*:}" ||
        fail "cargo run --example completions -- ${shell%%:*} > scripts/completions/${shell##*:}"
done
echo 'ok the completions are rendered from the table of options'

fish -c 'source scripts/completions/httpmon.fish; complete -C "httpmon --re"' > "$dir/fish"
for option in --recovery-threshold --rejects; do
    grep -q "^$option" "$dir/fish" || fail "fish: $(cat "$dir/fish")"
done
fish -c 'source scripts/completions/httpmon.fish; complete -C "httpmon -d "' | grep '^tab' > /dev/null || fail 'fish: -d'
echo 'ok fish completes options and values'

# The server ends with its last session.
tmux -L "$socket" new-session -d -s base cat
# Types into a shell on a terminal and waits for what must appear.
types() { # COMMAND SETUP KEYS EXPECTED
    tmux -L "$socket" new-session -d -x 120 -y 40 -s shell "$1"
    tmux -L "$socket" send-keys -t shell "$2; echo rea''dy" Enter
    appears ready "$1 starts"
    tmux -L "$socket" send-keys -t shell "$3" Tab
    appears "$4" "$1: $3"
    tmux -L "$socket" kill-session -t shell
}
appears() { # TEXT WHAT
    local try
    for ((try = 0; try < 600; try++)); do
        tmux -L "$socket" capture-pane -p -t shell | grep -qF -- "$1" && return 0
        sleep 0.1
    done
    tmux -L "$socket" capture-pane -p -t shell >&2
    fail "$2: no \"$1\""
}
bash='bash --norc --noprofile'
types "$bash" "source $PWD/scripts/completions/httpmon.bash" 'httpmon --recov' 'httpmon --recovery-threshold'
types "$bash" "source $PWD/scripts/completions/httpmon.bash" 'httpmon -z lo' 'httpmon -z local'
types "$bash" "source $PWD/scripts/completions/httpmon.bash" "httpmon --rejects $PWD/Cargo.to" 'Cargo.toml'
echo 'ok bash completes options, values and files'
setup="fpath=($PWD/scripts/completions \$fpath); autoload -Uz compinit; compinit -u -d $dir/zcompdump"
types 'zsh -f' "$setup" 'httpmon --recov' 'httpmon --recovery-threshold'
types 'zsh -f' "$setup" 'httpmon -z lo' 'httpmon -z local'
echo 'ok zsh completes options and values'
