#!/bin/bash
# Run the rows of docs/claims.tsv (or the one named): each command's last line is a JSON
# object {"name","value","unit","goal","ok"}.  Prints a table; exit status 1 if one fails.
set -u
cd "$(dirname "$0")/.."
only=${1:-}
bad=0
ran=0
while IFS=$'\t' read -r name goal seen seconds command; do
    case "$name" in "" | "#"* | name) continue ;; esac
    [ -z "$only" ] || [ "$only" = "$name" ] || continue
    echo "claim $name: goal $goal, seen $seen, about $seconds s"
    line=$(bash -c "$command" 2>/tmp/party-claim.$$ | tail -n 1)
    ran=$((ran + 1))
    case "$line" in
    *'"ok":true'*) echo "ok   $line" ;;
    *) tail -n 5 /tmp/party-claim.$$; echo "FAIL $line"; bad=$((bad + 1)) ;;
    esac
    rm -f /tmp/party-claim.$$
done <docs/claims.tsv
echo "$((ran - bad)) passed, $bad failed"
[ $bad -eq 0 ] && [ $ran -gt 0 ]
