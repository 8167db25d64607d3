# What users, files and machines get wrong: each is told in one line with cause and remedy and
# has its exit status, nothing hangs, and the party that plays meanwhile does not notice.
# SPDX-License-Identifier: MIT
. tests/system/lib.sh
songs "$T/music" 2 60
one=$T/music/song0.flac
head -c 32 /dev/urandom >"$T/key1"
head -c 32 /dev/urandom >"$T/key2"
mkdir "$T/none"
echo "these are no samples" >"$T/notes.flac"
head -c 100000 "$one" >"$T/cut.flac"
: >"$T/empty.flac"
head -c 40000 "$one" >"$T/damaged.flac"
head -c 2000 /dev/urandom >>"$T/damaged.flac"
tail -c +42001 "$one" >>"$T/damaged.flac"
head -c 5 /dev/urandom >"$T/shortkey"

# A party of two plays while all this goes on; cy is the node that is given the bad input.
node ana 127.0.0.1:$PORT --audio "$(card ana -40)" --channel-key-file "$T/key1"
node bo 127.0.0.2:$PORT --audio "$(card bo 40)" --channel-key-file "$T/key1" \
    --join 127.0.0.1:$PORT
node cy 127.0.0.3:$PORT --audio none
cy=$NODE_PID
wait_for 15 holds ana status "r['node']['peers'] == 1" || fail "the two meet"
p ana host "$T/music" --wanted 1 >/dev/null || fail "the call"
wait_for 15 holds bo status "r['invites'] == 1"
p bo accept >/dev/null || fail "bo accepts"
wait_for 30 sounding bo || fail "the party plays"
begin=$SECONDS

say() { # NAME STATUS REGEX NODE VERB…
    local name=$1 status=$2 regex=$3 n=$4
    shift 4
    refuse "$name" "$status" "$regex" "$PARTY" "$@" --data-dir "$T/$n"
}
say "a text file named .flac" 9 "notes.flac.*(not|no) .*FLAC" cy host "$T/notes.flac"
say "a FLAC file that was cut" 9 "cut.flac.*(damaged|end|cut|truncated)" cy host "$T/cut.flac"
say "a FLAC file with a hole" 9 "damaged.flac.*damaged" cy host "$T/damaged.flac"
say "an empty file" 9 "empty.flac.*(empty|no FLAC|not a FLAC)" cy host "$T/empty.flac"
say "a bad file among good ones" 9 "empty.flac" cy host "$one" "$T/empty.flac"
say "a folder without FLAC files" 9 "none.*no FLAC" cy host "$T/none"
say "a file that is not there" 9 "nosuch.flac.*No such file" cy host "$T/nosuch.flac"
say "no song at all" 2 "no song" cy host
mkfifo "$T/pipe.flac"
say "a pipe instead of a file" 9 "pipe.flac" cy host "$T/pipe.flac"

# Verbs and their operands.
say "an unknown verb" 2 "skp: no such verb; did you mean: party skip" cy skp
say "an unknown option" 2 "--loud" cy host --loud "$one"
say "no number of a song" 2 "from 1 to 5" cy play nine
say "no time to seek to" 2 "no such time" cy seek soon
say "louder than can be" 2 "0 to 100" cy volume 101
say "a latency without a unit" 2 "with its unit" cy latency 12
say "too many guests" 2 "--wanted 99" cy host --wanted 99 "$one"
say "an id of no party" 5 "deadbeef|no (such )?(party|invite)" cy accept deadbeef
say "nothing to accept" 5 "no " cy accept
say "a skip without a party" 4 "party" cy skip
say "a skip by a guest" 4 "host" bo skip
say "a pause by a guest" 4 "host" bo pause
say "a second party of the same host" 4 "in a party already" ana host "$one"
refuse "no node is running" 3 "no node is running here; start one: party up" \
    "$PARTY" status --data-dir "$T/nobody"
refuse "a file where the control socket should be" 3 "no node is running" \
    "$PARTY" status --socket "$T/notes.flac"

# Nodes that cannot start.
start() { # NAME STATUS REGEX option…: of a node on an address and a folder of its own
    local name=$1 status=$2 regex=$3
    shift 3
    refuse "$name" "$status" "$regex" "$PARTY" node --listen 127.0.0.9:$PORT \
        --data-dir "$T/dee" --audio none "$@"
}
start "a sound card that is not there" 7 "nosuch.*--audio" --audio alsa:nosuch
start "no such kind of sound" 2 "tape.*alsa:DEVICE" --audio tape
start "a port that is taken" 10 "port $PORT/tcp: taken.*--listen" --listen 127.0.0.1:$PORT
start "an address of another machine" 6 "192.0.2.1:$PORT.*--listen" --listen 192.0.2.1:$PORT
start "no address at all" 2 "--listen" --listen here
start "a data directory in use" 10 "in use by another node .process $cy." --data-dir "$T/cy"
start "a data directory inside a file" 9 "cannot be made" --data-dir "$T/notes.flac/x"
start "a key file that is not there" 9 "nokey.*--channel-key-file" --channel-key-file "$T/nokey"
start "a key file that is too short" 4 "shortkey.*32 bytes" --channel-key-file "$T/shortkey"
start "a time server that cannot be resolved" 8 "nosuch.invalid.*--ntp" --ntp nosuch.invalid
start "no port" 2 "--join" --join 127.0.0.1:99999
start "no name" 2 "--name" --name ""
refuse "the same of the background" 7 "nosuch.*--audio" \
    "$PARTY" up --listen 127.0.0.9:$PORT --data-dir "$T/dee" --audio alsa:nosuch
refuse "the same of a first party" 7 "nosuch.*--audio" \
    "$PARTY" host --data-dir "$T/dee" --audio alsa:nosuch "$one"
refuse "a second node in the background" 10 "runs here already" \
    "$PARTY" up --data-dir "$T/cy"
if is_root && unshare -m true 2>/dev/null; then
    mkdir "$T/mount"
    # A folder that may not be written; then one with room for a key, and for no song.
    refuse "a data directory that is read only" 9 "mount.*(Read-only|--data-dir)" \
        unshare -m sh -c "mount -t tmpfs -o ro,mode=700 none '$T/mount' && exec '$PARTY' node \
            --listen 127.0.0.9:$PORT --audio none --data-dir '$T/mount'"
    refuse "a full disk" 11 "song0.flac.*no room" unshare -m sh -c "
        mount -t tmpfs -o size=1m,mode=700 none '$T/mount'
        '$PARTY' node --listen 127.0.0.9:$PORT --audio none --data-dir '$T/mount' 2>/dev/null &
        for i in 1 2 3 4 5 6 7 8 9; do
            sleep 0.5
            '$PARTY' status --data-dir '$T/mount' >/dev/null 2>&1 && break
        done
        '$PARTY' host --data-dir '$T/mount' '$one'
        status=\$?
        '$PARTY' status --data-dir '$T/mount' >/dev/null || status=99 # it must go on
        '$PARTY' down --data-dir '$T/mount' >/dev/null
        exit \$status"
else
    echo "skip read-only and full disks: no right to mount"
fi

# Nodes that start, and have to tell.
node eli 127.0.0.5:$PORT --audio none --channel-key-file "$T/key2" --join 127.0.0.1:$PORT
check "another channel key is told on both sides" eval "wait_for 10 holds eli status \
    \"any('key' in n for n in r['notes'])\" && holds eli status \"r['node']['peers'] == 0\""
node flo 127.0.0.6:$PORT --audio none --join 127.0.0.250:$PORT --join nosuch.invalid \
    --ntp 127.0.0.250:$PORT
check "an address to join by that does not answer is told" wait_for 20 holds flo status \
    "any('127.0.0.250' in n for n in r['notes'])"
check "a name to join by that nobody knows is told" grep -q 'join-unknown name=nosuch.invalid' \
    "$T/flo.log"
if holds flo clock "r['clock']['utc_state'] == 'synchronised'"; then
    check "a clock that the system keeps is a source" p flo clock
else
    p flo clock >"$T/clock.out" 2>/dev/null
    say "no clock source" 8 "clock.*(--ntp|chrony)" flo clock
    check "the table of sources is printed all the same" grep -q 127.0.0.250 "$T/clock.out"
fi

# Nothing was lost meanwhile.
check "the node with the bad input goes on" kill -0 $cy
check "and is in no party, with all its memory" holds cy status \
    "r['party'] is None and r['audio']['error'] is None"
check "and takes a good song after all of it" eval "p cy host --wanted 0 '$one' >'$T/out'"
for n in ana bo; do
    check "$n plays on, without an underrun" holds $n status \
        "r['audio']['playing'] and r['audio']['underruns'] == 0"
done
check "nothing hung: all of it in $((SECONDS - begin)) s" [ $((SECONDS - begin)) -lt 90 ]
