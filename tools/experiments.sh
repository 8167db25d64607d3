#!/bin/bash
# Run an experiment of docs/experiments and keep what it found for docs/experiments.md.
#   experiments.sh NAME [options of party-sim]   run docs/experiments/NAME.exp: leaves
#       NAME.tsv (a row for each goal), NAME.csv (all runs) and NAME.svg beside it, and
#       puts the rows into the table of docs/experiments.md
#   experiments.sh --table                       only the table
# A run that was stopped goes on where it was: its jobs are in build/experiments/NAME.
set -u
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
docs=docs/experiments
page=docs/experiments.md

table() {
    echo "| experiment | at | goal | seen | met | nodes, seeds | time | plot |"
    echo "|---|---|---|---|---|---|---|---|"
    cat $docs/*.tsv 2>/dev/null | awk -F'\t' '{
        plot = ""
        if ((getline line < ("docs/experiments/" $1 ".svg")) > 0)
            plot = "[plot](experiments/" $1 ".svg)"
        close("docs/experiments/" $1 ".svg")
        printf "| %s | %s | %s of %s %s %s | %s | %s | %s | %s | %s |\n", $1, $2, $4, $3, $6, $7, $5, $8, $9, $10, plot
    }'
}

put_table() {
    awk -v rows="$(table)" '
        /^<!-- table -->/ { print; print rows; skip = 1; next }
        /^<!-- end -->/ { skip = 0 }
        !skip { print }' $page >$page.new && mv $page.new $page
}

run() { # name, options…
    local name=$1 out=$BUILD/experiments/$1 status seeds nodes time
    shift
    [ -f "$docs/$name.exp" ] || { echo "there is no $docs/$name.exp" >&2; exit 2; }
    make -s -j2 BUILD="$BUILD" "$BUILD/party-sim" >&2 || exit 1
    mkdir -p "$out"
    "$BUILD/party-sim" run "$docs/$name.exp" "$@" --out "$out" >"$out/log"
    status=$?
    cat "$out/log"
    [ -f "$out/runs.csv" ] || exit $status
    seeds=$(sed -n 's/^seeds = //p' "$out/experiment.exp")
    nodes=$(sed -n 's/^nodes = //p' "$out/experiment.exp" | tail -n 1)
    # All runs one after the other: a run that went on where it was counts whole.
    time=$(awk -F, '/^#/ { next } !column { for (column = 1; $column != "wall_s"; column++); next }
        { sum += $column } END { printf "%.0f s", sum }' "$out/runs.csv")
    awk -v name="$name" -v about="${nodes:-default} nodes, seeds $seeds" -v time="$time" '
        /^(ok|MISSED) / {
            value = $0; sub(/^[A-Za-z]+ +[a-z]+ of [^ ]+ is /, "", value); sub(/,.*/, "", value)
            print name "\t" point "\t" $4 "\t" $2 "\t" value "\t" $(NF - 2) " " $(NF - 1) "\t" $NF "\t" \
                ($1 == "ok" ? "yes" : "**no**") "\t" about "\t" time
            next
        }
        / = / { point = $0 }' "$out/log" >"$docs/$name.tsv"
    cp "$out/runs.csv" "$docs/$name.csv"
    [ ! -f "$out/plot.svg" ] || cp "$out/plot.svg" "$docs/$name.svg"
    return $status
}

case "${1:-}" in
"") sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
--table) put_table ;;
*) run "$@"; status=$?; put_table; exit $status ;;
esac
