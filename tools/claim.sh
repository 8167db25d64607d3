#!/bin/bash
# One figure for docs/claims.tsv: claim.sh NAME UNIT GOAL COMMAND
# COMMAND's last line is the value, a number; GOAL is like "<=1000" or "==0".
set -u
name=$1 unit=$2 goal=$3
value=$(bash -c "$4" | tail -n 1)
case "$value" in
'' | *[!0-9.eE+-]*) ok=false value=null ;;
*) ok=$(awk -v v="$value" -v g="${goal#??}" -v op="${goal%"${goal#??}"}" 'BEGIN {
       print (op == "<=" ? v + 0 <= g + 0 : op == ">=" ? v + 0 >= g + 0 : v + 0 == g + 0) ? "true" : "false" }') ;;
esac
echo "{\"name\":\"$name\",\"value\":$value,\"unit\":\"$unit\",\"goal\":\"$goal\",\"ok\":$ok}"
[ $ok = true ]
