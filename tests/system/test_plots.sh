# What an experiment leaves behind: tables that others can read, and a picture that gnuplot made
# of them; a second start finds all jobs done.  SPDX-License-Identifier: MIT
. tests/system/lib.sh
lab() {
    "$BUILD/party-sim" reach --nodes 20 --seeds 1..2 --settle 10s --messages 2 --quiet --lenient \
        --out "$T/out" >"$T/lab.out" 2>&1
}
check "an experiment runs" lab
check "a row of CSV for each seed" [ "$(grep -c '^reach,[12],' "$T/out/runs.csv")" -eq 2 ]
check "the command that made them is in it" grep -q "^# .*party-sim reach --nodes 20" "$T/out/runs.csv"
check "the same in SQLite" python3 - "$T/out/results.sqlite" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
runs = db.execute("select seed, version, command from run order by seed").fetchall()
whole = db.execute("select count(*) from figure where name = 'whole'").fetchone()[0]
sys.exit(not ([r[0] for r in runs] == [1, 2] and all(r[1] and "reach" in r[2] for r in runs)
              and whole == 2))
PY
before=$(stat -c %Y.%i "$T"/out/job-*)
sleep 1
check "a second start runs no job again" lab
check "… and leaves their files" [ "$(stat -c %Y.%i "$T"/out/job-*)" = "$before" ]
if command -v gnuplot >/dev/null; then
    check "a picture with curves or points, as XML" python3 - "$T/out/plot.svg" <<'PY'
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
sys.exit(not root.tag.endswith("svg") or not any(e.tag.endswith(("path", "use")) for e in root.iter()))
PY
    check "gnuplot has nothing to say" [ ! -s "$T/out/plot.log" ]
else
    echo "skip plots: no gnuplot"
fi
