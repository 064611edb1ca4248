#!/usr/bin/env bash
# A short run of every fuzz target, beginning with all inputs of its corpus; tests/fuzz/run makes a long one.
# shellcheck disable=SC2015 # "A && B || fail" is meant
set -euo pipefail
# shellcheck source=tests/lib.sh
. tests/lib.sh

tests/fuzz/run --list > "$dir/targets"
[ "$(line_count "$dir/targets")" -ge 11 ] || fail 'there are too few targets'
while IFS= read -r target; do
    seeds=$(find "tests/fuzz/corpus/$target" -type f | grep -vcE '/[0-9a-f]{40}$')
    [ "$seeds" -ge 1 ] && [ "$seeds" -le 20 ] || fail "$target has $seeds named seeds; one to twenty are meant"
done < "$dir/targets"
size=$(du -s --apparent-size -k tests/fuzz/corpus | cut -f 1)
[ "$size" -le 500 ] || fail "the corpus is of $size KB"

tests/fuzz/run --runs 20000 --seed 1 --keep "$dir/kept" > "$dir/table" || fail "$(cat "$dir/table")"
while IFS= read -r target; do
    grep -q "^$target  *[0-9]" "$dir/table" || fail "$target was not run"
done < "$dir/targets"
ok "nothing is found in 20,000 executions of each target, the same ones always:"
cat "$dir/table"
end_test
