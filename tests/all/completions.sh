#!/usr/bin/env bash
# The completions are those of the table of options, and the real shells take them.
set -euo pipefail
scripts/need zsh fish tmux
# shellcheck source=tests/lib.sh
. tests/lib.sh
socket=httpmon-completions-$$
trap 'tmux -L "$socket" kill-server 2> /dev/null || true; clean_up' EXIT

cargo build --quiet --locked --example completions
for shell in bash:httpmon.bash zsh:_httpmon fish:httpmon.fish; do
    target/debug/examples/completions "${shell%%:*}" > "$dir/rendered"
    cmp "$dir/rendered" "scripts/completions/${shell##*:}" ||
        fail "cargo run --example completions -- ${shell%%:*} > scripts/completions/${shell##*:}"
done
ok 'the completions are rendered from the table of options'

fish -c 'source scripts/completions/httpmon.fish; complete -C "httpmon --re"' > "$dir/fish"
for option in --recovery-threshold --rejects; do
    grep -q "^$option" "$dir/fish" || fail "fish: $(cat "$dir/fish")"
done
fish -c 'source scripts/completions/httpmon.fish; complete -C "httpmon -d "' | grep '^tab' > /dev/null || fail 'fish: -d'
ok 'fish completes options and values'

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
shows() { # TEXT
    tmux -L "$socket" capture-pane -p -t shell > "$dir/shown"
    has "$dir/shown" "$1"
}
appears() { # TEXT WHAT
    until_true "$2: \"$1\" appears" shows "$1"
}
bash='bash --norc --noprofile'
types "$bash" "source $PWD/scripts/completions/httpmon.bash" 'httpmon --recov' 'httpmon --recovery-threshold'
types "$bash" "source $PWD/scripts/completions/httpmon.bash" 'httpmon -z lo' 'httpmon -z local'
types "$bash" "source $PWD/scripts/completions/httpmon.bash" "httpmon --rejects $PWD/Cargo.to" 'Cargo.toml'
ok 'bash completes options, values and files'
setup="fpath=($PWD/scripts/completions \$fpath); autoload -Uz compinit; compinit -u -d $dir/zcompdump"
types 'zsh -f' "$setup" 'httpmon --recov' 'httpmon --recovery-threshold'
types 'zsh -f' "$setup" 'httpmon -z lo' 'httpmon -z local'
ok 'zsh completes options and values'
