# A party of five real nodes, each with a card that is captured; sourced behind lib.sh by the
# tests in which hosts go.  SPDX-License-Identifier: MIT
FIVE="ana bo cy dee eli"
TRIM=4 # how much the crystals differ from node to node, in tens of ppm

# is_in NAME LIST: is it one of these?
is_in() { case " $2 " in *" $1 "*) ;; *) false ;; esac; }

# five MUSIC [option…]: start them, have ana call and the others accept, and wait until all
# sound.  Their process ids are in pid_NAME.
five() {
    local who n=0 ana=127.0.0.1:$PORT music=$1
    shift
    for who in $FIVE; do
        n=$((n + 1))
        start_one $who $n "$@" || fail "$who starts"
    done
    wait_for 20 holds ana status "r['node']['peers'] == 4" || fail "they meet"
    p ana host "$music" --wanted 4 --deadline 40 --ready 20 >/dev/null || fail "the call"
    for who in bo cy dee eli; do
        wait_for 15 holds $who status "r['invites'] == 1" || fail "$who hears the call"
        p $who accept >/dev/null || fail "$who accepts"
    done
    for who in $FIVE; do
        wait_for 40 sounding $who || fail "$who plays"
    done
}

# start_one NAME N [option…]: the Nth of them, with the address $NET.N, in namespace ${NSS}N
# when that is set.
NET=127.0.0
NSS=
start_one() {
    local who=$1 n=$2 join=
    shift 2
    [ "$n" -eq 1 ] || join="--join $NET.1:$PORT"
    NS=${NSS:+$NSS$n} node "$who" $NET.$n:$PORT $join --audio "$(card "$who" $(((n - 3) * 10 * TRIM / 2)))" "$@" ||
        return 1
    eval "pid_$who=$NODE_PID"
}

# end_one NAME [signal]: as a power cut does, if nothing else is said.
end_one() { eval "kill -${2:-KILL} \$pid_$1"; }

# leader NAME…: print the one of them that leads the party, as it says itself; false while
# there is none.
leader() {
    local who
    for who in "$@"; do
        if holds "$who" status "r['party']['role'] == 'host' and r['party']['acting']"; then
            echo "$who"
            return 0
        fi
    done
    return 1
}

# led NAME…: one of them leads; its name is in NEW.
led() { NEW=$(leader "$@"); }

# agree EPOCH HOST NAME…: all of these take it for the host, in that epoch.
agree() {
    local epoch=$1 host=$2 who
    shift 2
    for who in "$@"; do
        holds "$who" status "r['party']['epoch'] == $epoch and r['party']['host'] == '$host'" ||
            return 1
    done
}

# all_at SLOT NAME…: they play that song.
all_at() {
    local slot=$1 who
    shift
    for who in "$@"; do
        holds "$who" status "r['party']['slot'] == $slot and r['audio']['playing']" || return 1
    done
}
