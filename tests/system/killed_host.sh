# killed_host.sh MUSIC: one trial.  The host of a party of five is killed in mid-song; the
# next one is elected and skips.  Prints what the four captures say, as one line "trial …", and
# its exit status is 0 when no survivor dropped or repeated a sample or stepped its phase by
# more than 50 us, and the skip was heard on all.  See test_killed_hosts.sh.
# SPDX-License-Identifier: MIT
. tests/system/lib.sh
. tests/system/five.sh
four="bo cy dee eli"
five "$1"
sleep $((4 + RANDOM % 4)).$((RANDOM % 10))
end_one ana
killed=$(date +%s%N)
sleep 4
if ! wait_for 8 led $four; then
    echo "trial: FAIL nobody leads"
    exit 1
fi
took=$((($(date +%s%N) - killed) / 1000000))
wait_for 5 agree 2 "$NEW" $four || fail "they do not agree on $NEW"
sleep 1
slot=$(json "$NEW" status "r['party']['slot']")
p "$NEW" skip >/dev/null || fail "no skip"
wait_for 6 all_at $((slot + 1)) $four || fail "the skip did not work on all"
sleep 3
p "$NEW" end >/dev/null
sleep 0.5
line=$("$BUILD/tests/system/measure" --csv "$T/phase.csv" "$T"/{bo,cy,dee,eli}.capture -- "$1"/*.flac)
python3 - "$took" "$line" "$T/phase.csv" <<'PY'
import csv, json, sys
took, line, path = sys.argv[1:]
r = json.loads(line)
cards = r["cards"]
step = 0.0
last = {}
for row in csv.DictReader(open(path)):
    for key, value in row.items():
        if not key.startswith("card"):
            continue
        if value and key in last:
            step = max(step, abs(float(value) - last[key]))
        last[key] = float(value) if value else last.get(key, 0.0)
        if not value:
            last.pop(key, None)
total = lambda name: sum(c[name] for c in cards)
bad = [why for why, is_bad in (
    ("jumps", any(c["jumps"] != 1 for c in cards)), ("breaks", total("breaks")),
    ("slips", total("slips")), ("mismatches", r["mismatches"]), ("apart", r["max"] > 50),
    ("step", step > 50), ("windows", r["windows"] < 100)) if is_bad]
print(f"trial led_ms={took} apart_us={r['max']} step_us={step:.1f} slips={total('slips')} "
      f"breaks={total('breaks')} jumps={[c['jumps'] for c in cards]} mismatches={r['mismatches']} "
      f"windows={r['windows']}: {'ok' if not bad else 'FAIL ' + ' '.join(bad)}")
sys.exit(bool(bad))
PY
