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

# The database of known faults must come from elsewhere.
if cargo deny --config tests/deny.toml fetch db > /dev/null 2>&1; then
    cargo deny --locked --config tests/deny.toml check advisories > "$dir/out" 2>&1 || fail "$(cat "$dir/out")"
    ok "$(tail -n 1 "$dir/out")"
else
    printf 'ok (the database of advisories cannot be had here: known faults are not looked for)\n'
fi

scripts/need python3 jq
scripts/sbom > "$dir/sbom.json"
jq -e '.bomFormat == "CycloneDX" and .metadata.component.name == "httpmon" and
    ([.components[] | select(.purl | startswith("pkg:cargo/"))] | length >= 20 and all(.[]; .hashes[0].content != null and .licenses[0].expression != null)) and
    ([.components[], .metadata.component | .["bom-ref"]] as $known | [.dependencies[] | .ref, .dependsOn[]] - $known == [])' \
    "$dir/sbom.json" > "$dir/out" || fail "sbom: $(jq -c '.components[] | {name, hashes, licenses}' "$dir/sbom.json")"
jq -r '.components[].name' "$dir/sbom.json" | grep -qx datasette || fail 'sbom: no packages of Python'
ok 'the list of what the program is made of has each crate with its licence and checksum'
for pins in scripts/*.pins tests/*.pins; do
    awk '/^[a-z0-9].*==/ { if (name && !hashes) exit 1; name = $1; hashes = 0 } /--hash=sha256:[0-9a-f]+/ { hashes++ } END { exit !(name && hashes) }' "$pins" ||
        fail "$pins: a package without a hash"
done
ok 'every package of Python that is installed has its hash'
end_test
