#!/usr/bin/env bash
# The dependencies: licences, where they come from, none twice and none that is not wanted; and none more than
# the README says.
set -euo pipefail
# shellcheck source=tests/lib.sh
. tests/lib.sh

command -v cargo-deny > /dev/null || {
    echo 'deny: installing cargo-deny' >&2
    cargo install --quiet --locked cargo-deny --version '^0.20' > "$dir/log" 2>&1 || fail "$(tail -n 20 "$dir/log")"
}
for manifest in Cargo.toml tests/fuzz/Cargo.toml; do
    config=tests/deny.toml
    if [ "$manifest" != Cargo.toml ]; then
        # libFuzzer is C++ under LLVM's licence.
        sed -e 's/"cc", //' -e 's/^allow = \[/allow = ["NCSA", /' -e 's/^wildcards = "deny"/wildcards = "allow"/' tests/deny.toml > "$dir/deny.toml"
        config=$dir/deny.toml
    fi
    cargo deny --locked --manifest-path "$manifest" --config "$config" check bans licenses sources > "$dir/out" 2>&1 ||
        fail "$manifest: $(cat "$dir/out")"
    if grep -qE '^(warning|error)' "$dir/out"; then fail "$manifest: $(cat "$dir/out")"; fi
    ok "$manifest: $(tail -n 1 "$dir/out")"
done

# That the check would find something.
sed 's/^allow = .*/allow = ["MIT"]/' tests/deny.toml > "$dir/strict.toml"
if cargo deny --locked --config "$dir/strict.toml" check licenses > /dev/null 2>&1; then fail 'it lets every licence pass'; fi
ok 'another licence would be refused'
end_test
