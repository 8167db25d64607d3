#!/bin/sh
# The table of all protocol parameters, made from the structs that hold them and the
# comments behind their fields: sim/knobs_table.h.  knobs.sh [--check]
set -eu
cd "$(dirname "$0")/.."
make_table() {
    cat <<'EOF'
/* Made by tools/knobs.sh from the headers that it names; do not edit.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_KNOBS_TABLE_H
#define SIM_KNOBS_TABLE_H

/* clang-format off */
#define KNOBS_TABLE(X) \
EOF
    while read -r header struct prefix path; do
        awk -v struct="$struct" -v prefix="$prefix" -v path="$path" '
        function emit(    n, i, list, doc, kind) {
            doc = comment
            gsub(/[\\"]/, "", doc); gsub(/[ \t]+/, " ", doc); sub(/^ /, "", doc); sub(/ $/, "", doc)
            kind = ""
            if (type == "int") kind = "KNOB_INT"
            else if (type == "bool") kind = "KNOB_BOOL"
            else if (type == "int64_t" && name ~ /_ns$/) kind = "KNOB_NS"
            else if (type == "int64_t") kind = "KNOB_INT64"
            else if (type == "size_t") kind = "KNOB_SIZE"
            else if (type == "double") kind = "KNOB_DOUBLE"
            else if (type == "struct bucket_rate") {
                printf "    X(\"%s.%s.period_ns\", %s%s.period_ns, KNOB_NS, \"one token comes back in this time; %s\") \\\n", prefix, name, path, name, doc
                printf "    X(\"%s.%s.burst\", %s%s.burst, KNOB_INT, \"tokens of a full bucket; %s\") \\\n", prefix, name, path, name, doc
            }
            if (kind != "")
                printf "    X(\"%s.%s\", %s%s, %s, \"%s\") \\\n", prefix, name, path, name, kind, doc
            type = ""; comment = ""
        }
        $0 ~ "^struct " struct " \\{" { inside = 1; next }
        inside && /^};/ { if (type != "") emit(); exit }
        !inside { next }
        {
            line = $0
            if (more) { # a comment that goes on
                text = line; done = sub(/\*\/.*/, "", text)
                sub(/^[ \t]*\*?[ \t]*/, "", text)
                comment = comment " " text
                if (done) { more = 0; emit() }
                next
            }
            sub(/^[ \t]+/, "", line)
            if (split_type != "") { line = split_type " " line; split_type = "" }
            if (line ~ /^(int64_t|int|bool|size_t|double|struct bucket_rate)$/) { split_type = line; next }
            if (match(line, /^(struct bucket_rate|int64_t|int|bool|size_t|double) [a-z0-9_]+;/)) {
                decl = substr(line, 1, RLENGTH - 1)
                rest = substr(line, RLENGTH + 1)
                name = decl; sub(/^.* /, "", name)
                type = decl; sub(/ [a-z0-9_]+$/, "", type)
                comment = ""
                if (name ~ /_count$/ || name == "has_channel") { type = ""; next }
                if (rest ~ /\/\*/) {
                    sub(/^.*\/\*/, "", rest)
                    done = sub(/\*\/.*/, "", rest)
                    comment = rest
                    if (!done) { more = 1; next }
                }
                emit()
            }
        }' "$header"
    done <<'EOF'
overlay/view.h overlay_params overlay overlay.
overlay/reach.h reach_params overlay.reach overlay.reach.
overlay/liveness.h liveness_params liveness liveness.
base/phi.h phi_params liveness.phi liveness.phi.
overlay/flood.h flood_params flood flood.
overlay/offenders.h offender_params offenders offenders.
node/meet.h meet_params meet meet.
node/relay.h relay_params relay relay.
overlay/tree.h tree_params tree tree.
party/params.h party_params party party.
base/phi.h phi_params party.beats party.beats.
share/params.h swarm_params share swarm.
clock/params.h clock_params clock clock.
node/params.h node_params node
EOF
    printf '    /* end */\n/* clang-format on */\n\n#endif\n'
}
if [ "${1:-}" = --check ]; then
    make_table | cmp -s - sim/knobs_table.h || echo "sim/knobs_table.h is old: run tools/knobs.sh"
else
    make_table >sim/knobs_table.h
fi
